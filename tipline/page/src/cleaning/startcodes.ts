// MPEG-4 video (ISO/IEC 14496-2): parts that begin with 00 00 01 and a byte that says what they are.
//
// One of them is a text for whoever likes to write one (user data): encoders leave their names
// there. It goes, up to where the next part begins.

import { type Bytes, joinAll } from "./bytes.js";

const USER_DATA = 0xb2;

/** Take the texts out of a configuration or a sample. */
export function filterUserData(untrusted: Uint8Array): Bytes {
  const kept: Uint8Array[] = [];
  let start = 0;
  for (;;) {
    const found = findPrefix(untrusted, start, USER_DATA);
    if (found < 0) break;
    kept.push(untrusted.subarray(start, found));
    const following = findPrefix(untrusted, found + 4);
    start = following < 0 ? untrusted.length : following;
  }
  return joinAll([...kept, untrusted.subarray(start)]);
}

/** The first 00 00 01, followed by `kind` if it is given; -1 if there is none. */
export function findPrefix(data: Uint8Array, start: number, kind?: number): number {
  for (let at = data.indexOf(1, start + 2); at >= 0; at = data.indexOf(1, at + 1)) {
    const isPrefix = data[at - 1] === 0 && data[at - 2] === 0;
    if (isPrefix && (kind === undefined || data[at + 1] === kind)) return at - 2;
  }
  return -1;
}
