// The blocks before the sound in FLAC (RFC 9639 section 8), alone and in Ogg.

import { bigEndian } from "./bytes.js";
import { findCommentKinds } from "./comments.js";
import { CleaningRefusal } from "./errors.js";
import type { Kind } from "./plan.js";

export const BLOCK_HEAD_BYTES = 4;
export const BLOCK_TYPE = 0x7f;
export const LAST_BLOCK = 0x80;
export const STREAMINFO = 0;
export const STREAMINFO_BYTES = 34;
export const COMMENTS = 4;

const PICTURE = 6;
const LEAST_SAMPLES = 16; // of a block

/** Hold that STREAMINFO, 34 bytes, says what can be. */
export function checkStreaminfo(untrusted: Uint8Array): void {
  const least = bigEndian(untrusted, 0, 2);
  const most = bigEndian(untrusted, 2, 2);
  const rateHz = bigEndian(untrusted, 10, 3) >> 4;
  const bitCount = ((bigEndian(untrusted, 12, 2) >> 4) & 31) + 1;
  if (least < LEAST_SAMPLES || most < least || rateHz === 0 || bitCount < 4) {
    throw new CleaningRefusal("malformed");
  }
}

/** The kinds in a block that goes; none for comments that are empty. `mark` is its first byte. */
export function findBlockKinds(mark: number, untrusted: Uint8Array): readonly Kind[] {
  const type = mark & BLOCK_TYPE;
  if (type === COMMENTS) return findCommentKinds(untrusted);
  return [type === PICTURE ? "preview" : "other"];
}
