// RC4, which PDFs were locked with until 2008. It holds nothing together any more; here it only
// opens what opens for everybody.

import type { Bytes } from "./bytes.js";

const STATE_BYTES = 256;
const FIRST_STATE = Uint8Array.from({ length: STATE_BYTES }, (_, i) => i);

/** Decodes, or codes: it is the same. */
export class Rc4 {
  readonly #start: Uint8Array; // takes longer to make than a short text to decode
  readonly #state = new Uint8Array(STATE_BYTES);

  constructor(key: Uint8Array) {
    const state = FIRST_STATE.slice();
    for (let i = 0, j = 0; i < STATE_BYTES; i++) {
      const one = state[i] as number;
      j = (j + one + (key[i % key.length] as number)) & 0xff;
      state[i] = state[j] as number;
      state[j] = one;
    }
    this.#start = state;
  }

  /** Decode one text, from the key's beginning. */
  decode(data: Bytes): Bytes {
    const state = this.#state;
    state.set(this.#start);
    const decoded = new Uint8Array(data.length);
    for (let at = 0, i = 0, j = 0; at < data.length; at++) {
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
}
