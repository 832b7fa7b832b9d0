// Blocks of WebM and Matroska (RFC 9559, 10): samples of one track, one or several behind each other.
//
// A block has a head of the track's number, a time and flags. If it holds several samples (lacing),
// their lengths follow in one of three ways; they must fill the block.

import { decodeLength } from "./ebml.js";
import { CleaningRefusal } from "./errors.js";
import type { Source } from "./source.js";

export const KEY = 0x80;
export const LACED = 0x06;
export const SIMPLE_FLAGS = 0x8f; // key, not shown, lacing, can be left out
export const GROUP_FLAGS = 0x0e; // not shown, lacing

const MAX_LACES_BYTES = 4 * 1024; // of the lengths; 255 long samples of sound have half as many
const FIXED_BYTES = 3; // time and flags
const MAX_HEAD_BYTES = 11;
const XIPH = 0x02;
const EQUAL = 0x04;
const FULL = 255;
const MAX_LACE_BYTES = 4;

/** A block that was looked at. */
export interface Block {
  /** Of its track. */
  readonly number: number;
  /** In the cluster's units, behind the cluster's time. */
  readonly time: number;
  readonly flags: number;
  /** Where the flags are in the block. */
  readonly flagsAt: number;
  /** Of all before the first sample. */
  readonly headBytes: number;
  /** Of its samples. */
  readonly sizes: readonly number[];
}

/** Read a block whose content begins at a place of a file and lies within it. */
export async function readBlock(source: Source, offset: number, size: number): Promise<Block> {
  const length = Math.min(size, MAX_HEAD_BYTES);
  const head = source.peek(offset, length) ?? (await source.read(offset, length));
  const number = decodeLength(head);
  if (number === undefined || head.length < number.lengthBytes + FIXED_BYTES) {
    throw new CleaningRefusal("malformed");
  }
  const timeAt = number.lengthBytes;
  const time = (((head[timeAt] as number) << 24) >> 16) | (head[timeAt + 1] as number);
  const flags = head[timeAt + 2] as number;
  let headBytes = timeAt + FIXED_BYTES;
  let sizes: readonly number[] = [size - headBytes];
  if (flags & LACED) {
    const left = size - headBytes;
    const laces = await source.read(offset + headBytes, Math.min(left, MAX_LACES_BYTES));
    const read = readLaces(laces, flags & LACED, left);
    sizes = read.sizes;
    headBytes += read.lengthBytes;
  }
  return { number: number.value, time, flags, flagsAt: timeAt + 2, headBytes, sizes };
}

/** The lengths of samples, and how many bytes these take. */
function readLaces(
  laces: Uint8Array,
  way: number,
  size: number,
): { readonly sizes: readonly number[]; readonly lengthBytes: number } {
  const count = laces[0] ?? 0;
  const sizes: number[] = [];
  let at = 1;
  if (way === EQUAL) {
    if (size === 0 || (size - at) % (count + 1)) throw new CleaningRefusal("malformed");
    const equal = (size - at) / (count + 1);
    return { sizes: new Array<number>(count + 1).fill(equal), lengthBytes: at };
  }
  for (let sample = 0; sample < count; sample++) {
    let lace = 0;
    if (way === XIPH) {
      for (; laces[at] === FULL; at++) lace += FULL;
      lace += laces[at++] ?? 0;
    } else {
      const length = decodeLength(laces.subarray(at, at + 8));
      if (length === undefined || length.lengthBytes > MAX_LACE_BYTES) {
        throw new CleaningRefusal("malformed");
      }
      lace = length.value;
      // The difference to the one before, moved so that it is not below 0.
      if (sample > 0) lace += (sizes.at(-1) as number) - (2 ** (7 * length.lengthBytes - 1) - 1);
      at += length.lengthBytes;
    }
    if (lace < 0 || lace > size) throw new CleaningRefusal("malformed");
    sizes.push(lace);
  }
  const last = sizes.reduce((left, lace) => left - lace, size - at);
  if (at > laces.length || last < 0) throw new CleaningRefusal("malformed");
  return { sizes: [...sizes, last], lengthBytes: at };
}
