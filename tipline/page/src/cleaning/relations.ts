// Relations of Office's packages (ECMA-376 part 2): which part leads to which.
//
// tipline/cleaning/relations.py does the same in Python.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { DECLARATION, decodeMarkup, readMarkup, writeStart } from "./markup.js";

export const CONTENT_TYPES = "[Content_Types].xml";
export const RELATIONS_TYPE = "application/vnd.openxmlformats-package.relationships+xml";
const MAX_RELATIONS = 65_536; // of a part; Excel's limit of links on a sheet is 66,530

const NAMESPACE = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";

/** A relation: by which name elements name it, and to which address or part (in lower case). */
export interface Relation {
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly isExternal: boolean;
}

/** A relation that is written: its name, the end of its type, an address or a part's path. */
export type WrittenRelation = readonly [name: string, kind: string, target: string];

/** Where the relations of a part stand; of the package itself, if the path is empty. */
export function findRelationsPath(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}_rels/${path.slice(slash)}.rels`;
}

/** Read the relations of the part `base`, to which targets are relative. */
export function readRelations(untrusted: Bytes, base: string): Relation[] {
  const found: Relation[] = [];
  const folder = base.slice(0, Math.max(0, base.lastIndexOf("/")));
  for (const event of readMarkup(decodeMarkup(untrusted))) {
    if (typeof event !== "object" || endOf(event.name, ":") !== "Relationship") continue;
    const name = event.attributes.get("Id");
    const type = event.attributes.get("Type");
    const target = event.attributes.get("Target");
    const isMissing = name === undefined || type === undefined || target === undefined;
    if (isMissing || found.length >= MAX_RELATIONS) throw new CleaningRefusal("malformed");
    const isExternal = event.attributes.get("TargetMode") === "External";
    const where = isExternal ? target : findPath(target, folder);
    found.push({ name, kind: endOf(type, "/"), target: where, isExternal });
  }
  return found;
}

/** Write relations, in the order given. */
export function writeRelations(relations: readonly WrittenRelation[]): Bytes {
  const lines = [`${writeStart("Relationships", [["xmlns", NAMESPACE]])}>`];
  for (const [name, kind, target] of relations) {
    const isExternal = kind === "hyperlink";
    const named: [string, string][] = [
      ["Id", name],
      ["Target", isExternal ? target : `/${target}`],
    ];
    if (isExternal) named.push(["TargetMode", "External"]);
    named.push(["Type", TYPES + kind]);
    lines.push(`${writeStart("Relationship", named)}/>`);
  }
  return new TextEncoder().encode(`${DECLARATION}${lines.join("")}</Relationships>`);
}

/** What stands behind the last mark; all of it without one. */
export function endOf(text: string, mark: string): string {
  return text.slice(text.lastIndexOf(mark) + 1);
}

/** The path of a part, in lower case: parts have no two spellings. */
function findPath(target: string, folder: string): string {
  const path = (target.split("#", 1)[0] as string)
    .replaceAll("\\", "/")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  const steps = path.startsWith("/") || folder === "" ? [] : folder.split("/");
  for (const step of path.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return steps.join("/").toLowerCase();
}
