// Vorbis comments: what is said beside the sound in Ogg and FLAC. Looked at for kinds, then they go.

import { littleEndian, textOf } from "./bytes.js";
import type { Kind } from "./plan.js";
import { COMMENT_KINDS } from "./rules.js";

const MAX_COMMENTS = 1_000; // an album's track has about twenty
const MAX_NAME_BYTES = 64;
const LENGTH_BYTES = 4;

/** No program, no comments. */
export const EMPTY_COMMENTS = "\0\0\0\0\0\0\0\0";

/** The kinds in a list of comments, from the length of the program's name on; it may be cut. */
export function findCommentKinds(untrusted: Uint8Array): readonly Kind[] {
  if (textOf(untrusted.subarray(0, EMPTY_COMMENTS.length + 1)) === EMPTY_COMMENTS) return [];
  const found = new Set<Kind>();
  const programLength = littleEndian(untrusted, 0, LENGTH_BYTES);
  if (programLength > 0) found.add("software");
  let offset = LENGTH_BYTES + programLength + LENGTH_BYTES;
  for (let count = 0; count < MAX_COMMENTS; count++) {
    const start = offset + LENGTH_BYTES;
    if (start >= untrusted.length) break;
    const name = textOf(untrusted.subarray(start, start + MAX_NAME_BYTES)).split("=", 1)[0];
    for (const kind of findNameKinds(name as string)) found.add(kind);
    offset = start + littleEndian(untrusted, offset, LENGTH_BYTES);
  }
  return found.size > 0 ? [...found] : ["other"];
}

/** The kinds that the name of a comment, or of an item of APE, stands for. */
export function findNameKinds(untrustedName: string): readonly Kind[] {
  return COMMENT_KINDS.get(toCapitals(untrustedName)) ?? ["other"];
}

// Of ASCII alone: toUpperCase makes two letters of some.
function toCapitals(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}
