// The lists of Office's documents: their XML, and the parts that are kept.

import office from "../../../cleaning/office.json";
import { listKinds, makeRules, toSet } from "./markuprules.js";

/** What a part of a document is, by the relation that leads to it. Pictures have no root. */
export interface PartRule {
  readonly relation: string;
  readonly path: string;
  readonly contentType: string | undefined;
  readonly root: string | undefined;
  readonly isImplicit: boolean;
}

export const OFFICE_FORMATS = ["docx", "xlsx", "pptx"] as const;
export type OfficeFormat = (typeof OFFICE_FORMATS)[number];

interface ListedPart {
  readonly path: string;
  readonly type?: string;
  readonly root?: string;
  readonly implicit?: boolean;
}

function makePart(relation: string, listed: ListedPart): PartRule {
  const { path, type: contentType, root, implicit: isImplicit = false } = listed;
  return { relation, path, contentType, root, isImplicit };
}

function makeParts(format: OfficeFormat): ReadonlyMap<string, PartRule> {
  const listed: [string, ListedPart][] = Object.entries(office.documents[format].parts);
  return new Map(listed.map(([relation, part]) => [relation, makePart(relation, part)]));
}

export const RULES = makeRules(office);
export const RELATION_KINDS = listKinds(office.kinds.relations);
export const BOOKMARK = office.numbered["w:bookmarkStart@w:name"];
export const MACROS = toSet(office.macros);
/** The main part of a format, and those that others lead to, in the order of writing. */
export const MAIN_PARTS: Readonly<Record<OfficeFormat, PartRule>> = {
  docx: makePart("officeDocument", office.documents.docx.main),
  xlsx: makePart("officeDocument", office.documents.xlsx.main),
  pptx: makePart("officeDocument", office.documents.pptx.main),
};
export const PARTS: Readonly<Record<OfficeFormat, ReadonlyMap<string, PartRule>>> = {
  docx: makeParts("docx"),
  xlsx: makeParts("xlsx"),
  pptx: makeParts("pptx"),
};
