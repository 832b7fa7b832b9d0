// XMP and IPTC: what editors and agencies write beside an image. Looked at for kinds, then it goes.

import { bigEndian, textOf } from "./bytes.js";
import type { Kind } from "./plan.js";
import { IPTC_KINDS, XMP_WORDS } from "./rules.js";

/** Of a file, that are looked into; there is one, and each takes long to search. */
export const MAX_XMPS = 16;
const MAX_RESOURCES = 1_000; // Photoshop writes about thirty
const MAX_DATASETS = 10_000;
const IPTC_RESOURCE = 0x0404;
const PREVIEW_RESOURCES: readonly number[] = [0x0409, 0x040c];
const DATASET_MARK = 0x1c;
const LONG_DATASET = 0x8000;
const EDITORIAL_RECORD = 2;

/** The kinds in XMP, by the words that its properties are named with; "other" if none is known. */
export function findXmpKinds(untrusted: Uint8Array): readonly Kind[] {
  // UTF-16 is XMP too: without its zero bytes the names, which are ASCII, are the same.
  const plain = new TextDecoder("latin1").decode(untrusted).replaceAll("\0", "");
  const found = XMP_WORDS.filter(([, words]) => words.some((word) => plain.includes(word)));
  return found.length > 0 ? found.map(([kind]) => kind) : ["other"];
}

/** The kinds in Photoshop's image resources, one of which is IPTC, from the first one on. */
export function findPhotoshopKinds(untrusted: Uint8Array): readonly Kind[] {
  const found = new Set<Kind>();
  let offset = 0;
  for (let count = 0; count < MAX_RESOURCES; count++) {
    const nameLength = untrusted[offset + 6];
    if (textOf(untrusted.subarray(offset, offset + 4)) !== "8BIM" || nameLength === undefined) {
      break;
    }
    const number = bigEndian(untrusted, offset + 4, 2);
    // A name, and each content, is filled up to an even length.
    const start = offset + 6 + nameLength + 2 - (nameLength % 2);
    const length = bigEndian(untrusted, start, 4);
    if (number === IPTC_RESOURCE) {
      const content = untrusted.subarray(start + 4, start + 4 + length);
      for (const kind of findIptcKinds(content)) found.add(kind);
    } else {
      found.add(PREVIEW_RESOURCES.includes(number) ? "preview" : "other");
    }
    offset = start + 4 + length + (length % 2);
  }
  return found.size > 0 ? [...found] : ["other"];
}

/** The kinds in IPTC, from the first dataset on; none for what is not of its editorial record. */
export function findIptcKinds(untrusted: Uint8Array): ReadonlySet<Kind> {
  const found = new Set<Kind>();
  let offset = 0;
  for (let count = 0; count < MAX_DATASETS; count++) {
    if (untrusted.length < offset + 5 || untrusted[offset] !== DATASET_MARK) break;
    const length = bigEndian(untrusted, offset + 3, 2);
    if (length & LONG_DATASET) {
      found.add("other");
      break;
    }
    if (untrusted[offset + 1] === EDITORIAL_RECORD) {
      const kinds = IPTC_KINDS.get(untrusted[offset + 2] as number) ?? ["other"];
      for (const kind of kinds) found.add(kind);
    }
    offset += 5 + length;
  }
  return found;
}
