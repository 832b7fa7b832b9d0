// AAC (ISO/IEC 14496-3, 4.4.2): a frame may begin with fill, or with bytes that are nobody's.
//
// Encoders leave their names there. Those bits become zero, where they are: the frame is as long as
// before. What stands further on in a frame is coded, and stays.

import type { Bytes } from "./bytes.js";

/** A frame has at most 768 bytes for each channel; fill stands first. */
export const HEAD_BYTES = 2_048;
const DATA = 4;
const FILL = 6;

/** Tell by the first byte whether a frame begins with fill or data. */
export function mayHaveFill(first: number): boolean {
  return first >> 5 === DATA || first >> 5 === FILL;
}

/** Make the fill and the data that a frame begins with zero. */
export function blankFills(untrusted: Uint8Array): Bytes {
  const blank = new Uint8Array(untrusted);
  const length = 8 * blank.length;
  let at = 0;
  const read = (from: number, count: number): number => {
    if (from + count > length) return 0;
    let number = 0;
    for (let bit = from; bit < from + count; bit++) {
      number = 2 * number + (((blank[bit >> 3] as number) >> (7 - (bit % 8))) & 1);
    }
    return number;
  };
  for (let kind = read(at, 3); kind === DATA || kind === FILL; kind = read(at, 3)) {
    let count;
    if (kind === FILL) {
      count = read(at + 3, 4);
      at += 7;
      if (count === 15) {
        count += read(at, 8) - 1;
        at += 8;
      }
    } else {
      const isAligned = read(at + 7, 1) === 1;
      count = read(at + 8, 8);
      at += 16;
      if (count === 255) {
        count += read(at, 8);
        at += 8;
      }
      if (isAligned) at += (8 - (at % 8)) % 8;
    }
    const end = Math.min(at + 8 * count, length);
    for (; at < end; at++) {
      blank[at >> 3] = (blank[at >> 3] as number) & ~(0x80 >> (at % 8));
    }
    if (at >= length) break;
  }
  return blank;
}
