// The directories of a TIFF, entry by entry: what they say of themselves is checked before it is
// believed. Where they and their contents lie is remembered, so that no pixels are taken from there.

import {
  bigEndian,
  type Bytes,
  encodeBigEndian,
  encodeLittleEndian,
  littleEndian,
  textOf,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Source } from "./source.js";

export const HEAD_BYTES = 8;
export const ENTRY_BYTES = 12;
export const MAX_DIRECTORIES = 4_096; // a scan of a long file has some hundred pages
const MAX_ENTRIES = 1_000; // of one directory; a camera writes about sixty
const MAX_ALL_ENTRIES = 131_072; // of a file
const MAX_REGIONS = 131_072; // two for each strip of a hundred pages in single rows

export const BYTE = 1;
export const SHORT = 3;
export const LONG = 4;
export const RATIONAL = 5;
export const UNDEFINED = 7;
const SIZES: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
const NUMBERS: readonly number[] = [BYTE, SHORT, LONG, 13];

/** How long a value of a type is; 0 if the type is unknown. */
export function sizeOf(type: number): number {
  return SIZES[type] ?? 0;
}

/** One entry of a directory, as it claims to be: its length is not checked against the file. */
export interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

interface Region {
  readonly start: number;
  readonly end: number;
  readonly isPixels: boolean;
}

/** Reads directories. */
export class TiffFile {
  readonly #regions: Region[] = [{ start: 0, end: HEAD_BYTES, isPixels: false }];
  readonly #seen = new Set<number>();
  readonly #isLittle: boolean;
  readonly first: number;
  #entryCount = 0;

  private constructor(
    readonly source: Source,
    head: Bytes,
  ) {
    this.#isLittle = textOf(head.subarray(0, 2)) === "II";
    this.first = this.number(head, 4, 4);
  }

  static async open(source: Source): Promise<TiffFile> {
    return new TiffFile(source, await source.read(0, HEAD_BYTES));
  }

  /** The number in a few bytes. */
  number(data: Uint8Array, offset: number, lengthBytes: number): number {
    const read = this.#isLittle ? littleEndian : bigEndian;
    return read(data, offset, lengthBytes);
  }

  /** A number, in as many bytes. */
  encode(number: number, lengthBytes: number): Bytes {
    return this.#isLittle
      ? encodeLittleEndian(number, lengthBytes)
      : encodeBigEndian(number, lengthBytes);
  }

  /** Remember what a part of the file is, that lies within it. */
  claim(offset: number, lengthBytes: number, isPixels: boolean): void {
    if (this.#regions.length >= MAX_REGIONS) throw new CleaningRefusal("too-complex");
    this.#regions.push({ start: offset, end: offset + lengthBytes, isPixels });
  }

  /** Hold that pixels are pixels and nothing else; return where the last part ends. */
  checkRegions(): number {
    let pixelsEnd = 0;
    let anyEnd = 0;
    const sorted = this.#regions.sort(
      (one, other) =>
        one.start - other.start ||
        one.end - other.end ||
        Number(one.isPixels) - Number(other.isPixels),
    );
    for (const { start, end, isPixels } of sorted) {
      if (start < (isPixels ? anyEnd : pixelsEnd)) throw new CleaningRefusal("malformed");
      anyEnd = Math.max(anyEnd, end);
      if (isPixels) pixelsEnd = end;
    }
    return anyEnd;
  }

  /** Whether a directory was read already. */
  isSeen(offset: number): boolean {
    return this.#seen.has(offset);
  }

  /** Whether all of a directory is in the file, and it has entries, but not too many. */
  async hasDirectory(offset: number): Promise<boolean> {
    const count = await this.#count(offset);
    const end = offset + 6 + count * ENTRY_BYTES;
    return 0 < count && count <= MAX_ENTRIES && end <= this.source.lengthBytes;
  }

  /** Read a directory that was not read yet: its entries, and where the next is, or 0. */
  async readDirectory(offset: number): Promise<[readonly Entry[], number]> {
    if (this.#seen.has(offset)) throw new CleaningRefusal("malformed");
    this.#seen.add(offset);
    const count = await this.#count(offset);
    this.#entryCount += count;
    if (
      this.#seen.size > MAX_DIRECTORIES ||
      count > MAX_ENTRIES ||
      this.#entryCount > MAX_ALL_ENTRIES
    ) {
      throw new CleaningRefusal("too-complex");
    }
    const length = 6 + count * ENTRY_BYTES;
    const data = await this.source.read(offset, length);
    if (count === 0) throw new CleaningRefusal("malformed");
    this.claim(offset, length, false);
    const entries: Entry[] = [];
    for (let start = 2; start < length - 4; start += ENTRY_BYTES) {
      entries.push(this.#readEntry(data, offset, start));
    }
    return [entries, this.number(data, length - 4, 4)];
  }

  async #count(offset: number): Promise<number> {
    return this.number(await this.source.readUpTo(offset, 2), 0, 2);
  }

  #readEntry(data: Uint8Array, directory: number, start: number): Entry {
    const type = this.number(data, start + 2, 2);
    const count = this.number(data, start + 4, 4);
    const lengthBytes = sizeOf(type) * count;
    let offset = this.number(data, start + 8, 4);
    if (lengthBytes <= 4) offset = directory + start + 8;
    else if (offset + lengthBytes <= this.source.lengthBytes)
      this.claim(offset, lengthBytes, false);
    return { tag: this.number(data, start, 2), type, count, offset, lengthBytes };
  }

  /** Values that are whole numbers, of a count that the caller bounds. */
  async readNumbers(entry: Entry): Promise<number[]> {
    if (!NUMBERS.includes(entry.type)) throw new CleaningRefusal("malformed");
    const size = sizeOf(entry.type);
    const data = await this.source.read(entry.offset, entry.lengthBytes);
    const numbers: number[] = [];
    for (let start = 0; start < data.length; start += size) {
      numbers.push(this.number(data, start, size));
    }
    return numbers;
  }
}
