// The lists for Office's documents that Python and TypeScript share: tipline/cleaning/office.json.
//
// What stands in no list goes. Untrusted names are looked up in maps and sets alone: an object has
// names of its own.

import office from "../../../cleaning/office.json";
import type { Kind } from "./plan.js";

/** What is kept of a namespace; see tipline/cleaning/office_rules.py. */
export interface Namespace {
  readonly address: string;
  readonly prefix: string;
  readonly elements: ReadonlySet<string>;
  readonly attributes: ReadonlySet<string>;
  readonly qualified: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
}

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

interface ListedNamespace {
  readonly uris: readonly string[];
  readonly prefix?: string;
  readonly elements: string;
  readonly attributes: string;
  readonly qualified: string;
  readonly text: string;
}

interface ListedPart {
  readonly path: string;
  readonly type?: string;
  readonly root?: string;
  readonly implicit?: boolean;
}

const namespaces: [string, ListedNamespace][] = Object.entries(office.namespaces);

function split(names: string): string[] {
  return names.split(" ").filter((name) => name !== "");
}

function byName(kinds: Readonly<Record<string, string>>): ReadonlyMap<string, readonly Kind[]> {
  return new Map(
    Object.entries(kinds).flatMap(([listed, names]) =>
      split(names).map((name) => [name, split(listed) as Kind[]] as const),
    ),
  );
}

function compile(patterns: Readonly<Record<string, string>>): ReadonlyMap<string, RegExp> {
  return new Map(Object.entries(patterns).map(([name, pattern]) => [name, new RegExp(pattern)]));
}

function makePart(relation: string, listed: ListedPart): PartRule {
  const { path, type: contentType, root, implicit: isImplicit = false } = listed;
  return { relation, path, contentType, root, isImplicit };
}

function makeParts(format: OfficeFormat): ReadonlyMap<string, PartRule> {
  const listed: [string, ListedPart][] = Object.entries(office.documents[format].parts);
  return new Map(listed.map(([relation, part]) => [relation, makePart(relation, part)]));
}

export const NAMESPACES: ReadonlyMap<string, Namespace> = new Map(
  namespaces.map(([key, listed]) => [
    key,
    {
      address: listed.uris[0] as string,
      prefix: listed.prefix ?? key,
      elements: new Set(split(listed.elements)),
      attributes: new Set(split(listed.attributes)),
      qualified: new Set(split(listed.qualified)),
      texts: new Set(split(listed.text)),
    },
  ]),
);
export const ADDRESSES: ReadonlyMap<string, string> = new Map(
  namespaces.flatMap(([key, listed]) => listed.uris.map((address) => [address, key] as const)),
);
/** Their tags go, what stands between them stays. */
export const UNWRAPPED: ReadonlySet<string> = new Set(split(office.unwrapped));
/** What cannot be left out without changing what is read. */
export const REFUSED: ReadonlySet<string> = new Set(split(office.refused));
/** They can be without their relation; any other element that has lost it goes. */
export const LOOSE: ReadonlySet<string> = new Set(split(office.loose));
/** A picture inside that cannot be cleaned goes with the file inside the file. */
export const TOLERANT: ReadonlySet<string> = new Set(split(office.tolerant));
/** By `element@attribute`: what is written in place of what was there. */
export const CONSTANTS: ReadonlyMap<string, string> = new Map(Object.entries(office.constants));
/** Attributes that are kept on some elements alone. */
export const EXTRA: ReadonlyMap<string, string> = new Map(Object.entries(office.extra));
/** By `element@attribute`: the attribute goes if the value is another. */
export const VALUES = compile(office.values);
/** The same, and the tags go with it. */
export const UNLESS = compile(office.unless);
/** By element: it goes if its text is another; if its text has this; it loses such a text. */
export const TEXTS = compile(office.texts);
export const NOT_TEXTS = compile(office["not-texts"]);
export const BLANK_TEXTS = compile(office["blank-texts"]);
export const LINK = new RegExp(office.link);
export const ELEMENT_KINDS = byName(office.kinds.elements);
export const ATTRIBUTE_KINDS = byName(office.kinds.attributes);
export const RELATION_KINDS = byName(office.kinds.relations);
export const PROPERTY_KINDS = byName(office.kinds.properties);
export const MACROS: ReadonlySet<string> = new Set(split(office.macros));
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
