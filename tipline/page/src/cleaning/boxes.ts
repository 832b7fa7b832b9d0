// ISO base media (ISO/IEC 14496-12): boxes, each of a length, a name and a content.
//
// The small things that every part of a film, a voice note and a HEIC is read and written with.
// Nothing is believed of a length that does not fit into what the box lies in.

import { bigEndian, type Bytes, encodeBigEndian, join, joinAll, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const MAX_CHILDREN = 4_096; // of one box; a HEIC of 48 megapixels has 200 properties
const HEAD_BYTES = 8;
const LONG_HEAD_BYTES = 16;
const MAX_SHORT_BYTES = 2 ** 32 - 1;

/** A box that lies in memory: where its content begins and ends. */
export interface Box {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export type Boxes = ReadonlyMap<string, Box>;

/** The boxes of a part. QuickTime ends some lists with zeros, which are no box. */
export function* listBoxes(data: Uint8Array, first: number, end: number): Generator<Box> {
  let start = first;
  for (let count = 0; count < MAX_CHILDREN; count++) {
    if (start === end || (end - start <= HEAD_BYTES && isZero(data.subarray(start, end)))) return;
    if (end - start < HEAD_BYTES) throw new CleaningRefusal("malformed");
    let length = bigEndian(data, start, 4);
    let head = HEAD_BYTES;
    const name = textOf(data.subarray(start + 4, start + 8));
    if (length === 1) {
      length = bigEndian(data, start + 8, 8);
      head = LONG_HEAD_BYTES;
    }
    if (length < head || start + length > end) throw new CleaningRefusal("malformed");
    yield { name, start: start + head, end: start + length };
    start += length;
  }
  throw new CleaningRefusal("too-complex");
}

/** The boxes of a part by their names; of several with one name, the first. */
export function listNamed(data: Uint8Array, start: number, end: number): Boxes {
  const named = new Map<string, Box>();
  for (const box of listBoxes(data, start, end)) {
    if (!named.has(box.name)) named.set(box.name, box);
  }
  return named;
}

/** A box that must be there. */
export function need(named: Boxes, name: string): Box {
  const box = named.get(name);
  if (box === undefined) throw new CleaningRefusal("malformed");
  return box;
}

/** Write a box. */
export function formatBox(name: string, ...contents: readonly (Uint8Array | string)[]): Bytes {
  const length = contents.reduce((sum, content) => sum + content.length, HEAD_BYTES);
  return join(encodeBigEndian(length, 4), name, ...contents);
}

/** Write the head of a box whose content is not in memory: 8 bytes, or 16 if it is long. */
export function formatLongHead(name: string, contentBytes: number): Bytes {
  const length = HEAD_BYTES + contentBytes;
  if (length <= MAX_SHORT_BYTES) return join(encodeBigEndian(length, 4), name);
  return join("\0\0\0\u0001", name, encodeBigEndian(length + 8, 8));
}

/** Whether all bytes are 0. */
export function isZero(data: Uint8Array): boolean {
  return data.every((byte) => byte === 0);
}

/** Numbers one behind the other, each in so many bytes. */
export function encodeNumbers(lengthBytes: number, ...numbers: readonly number[]): Bytes {
  return joinAll(numbers.map((number) => encodeBigEndian(number, lengthBytes)));
}

/** Reads numbers and bytes one behind the other, and holds that they are all there. */
export class Cursor {
  #at: number;

  constructor(
    private readonly data: Uint8Array,
    start = 0,
    private readonly end = data.length,
  ) {
    this.#at = start;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.#at;
  }

  /** Exactly so many bytes. */
  take(lengthBytes: number): Uint8Array {
    if (lengthBytes > this.left) throw new CleaningRefusal("malformed");
    this.#at += lengthBytes;
    return this.data.subarray(this.#at - lengthBytes, this.#at);
  }

  /** A number, big end first, without a sign; none larger than is counted exactly. */
  number(lengthBytes: number): number {
    const number = bigEndian(this.take(lengthBytes), 0, lengthBytes);
    if (number > Number.MAX_SAFE_INTEGER) throw new CleaningRefusal("malformed");
    return number;
  }

  /** Hold that nothing is left. */
  finish(): void {
    if (this.left > 0) throw new CleaningRefusal("malformed");
  }
}
