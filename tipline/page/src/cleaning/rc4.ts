// RC4, which PDFs were locked with until 2008. It holds nothing together any more; here it only
// opens what opens for everybody.

import type { Bytes } from "./bytes.js";

const STATE_BYTES = 256;

/** Decode, or code: it is the same. */
export function decodeRc4(key: Uint8Array, data: Bytes): Bytes {
  const state = Uint8Array.from({ length: STATE_BYTES }, (_, i) => i);
  for (let i = 0, j = 0; i < STATE_BYTES; i++) {
    const one = state[i] as number;
    j = (j + one + (key[i % key.length] as number)) & 0xff;
    state[i] = state[j] as number;
    state[j] = one;
  }
  const decoded = new Uint8Array(data.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < data.length; at++) {
    i = (i + 1) & 0xff;
    const one = state[i] as number;
    j = (j + one) & 0xff;
    const other = state[j] as number;
    state[i] = other;
    state[j] = one;
    decoded[at] = (data[at] as number) ^ (state[(one + other) & 0xff] as number);
  }
  return decoded;
}
