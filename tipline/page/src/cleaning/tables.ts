// Where a track's samples are, how long each is and when it is shown (ISO/IEC 14496-12, 8.6 and
// 8.7).
//
// Tables are kept as numbers, not as objects, and are never longer than the bytes that they were
// read from. What they say together must be true: as many samples in the chunks as there are lengths
// and times.

import { type Box, type Boxes, Cursor, encodeNumbers, formatBox, need } from "./boxes.js";
import { type Bytes, encodeBigEndian } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

/** Samples that lie one behind the other; all numbers count from 0. */
export interface Chunk {
  readonly number: number;
  readonly offset: number;
  readonly first: number;
  readonly count: number;
  readonly description: number;
}

interface Run {
  readonly first: number;
  readonly count: number;
  readonly description: number;
}

/** A track's samples, read from the boxes of `stbl`. */
export class Table {
  readonly count: number;
  readonly offsets: Float64Array;
  #uniformBytes: number;
  #sizes: Uint32Array;
  readonly #runs: readonly Run[];
  readonly #times: Uint8Array;
  readonly #shifts: { readonly version: number; readonly pairs: Uint8Array } | undefined;
  readonly #syncs: Uint8Array | undefined;

  constructor(data: Uint8Array, boxes: Boxes, descriptionCount: number) {
    [this.#uniformBytes, this.count, this.#sizes] = readSizes(data, boxes);
    this.offsets = readOffsets(data, boxes);
    this.#runs = readRuns(data, boxes);
    this.#times = readPairs(data, need(boxes, "stts"), this.count);
    const shifts = boxes.get("ctts");
    if (shifts !== undefined) {
      const pairs = readPairs(data, shifts, this.count);
      this.#shifts = { version: (data[shifts.start] as number) & 1, pairs };
    }
    this.#syncs = readSyncs(data, boxes, this.count);
    for (const { description } of this.#runs) {
      if (description < 1 || description > descriptionCount) {
        throw new CleaningRefusal("malformed");
      }
    }
  }

  /** Whether every sample lasts one unit: so QuickTime counts the samples of plain sound. */
  get durationIsOne(): boolean {
    return this.#times.length === 8 && unpack(this.#times, 4)[1] === 1;
  }

  /** How long all samples last, in the media's units. */
  measureTime(): bigint {
    const numbers = unpack(this.#times, 4);
    let time = 0n;
    for (let at = 0; at < numbers.length; at += 2) {
      time += BigInt(numbers[at] as number) * BigInt(numbers[at + 1] as number);
    }
    return time;
  }

  /** The chunks as the track counts them. */
  *listChunks(): Generator<Chunk> {
    let first = 0;
    if (this.#runs[0]?.first !== 1) throw new CleaningRefusal("malformed");
    for (const [number, run] of this.#runs.entries()) {
      const following = this.#runs[number + 1]?.first ?? this.offsets.length + 1;
      const isRow = run.first < following && following <= this.offsets.length + 1;
      if (!isRow || run.count === 0) throw new CleaningRefusal("malformed");
      for (let chunk = run.first - 1; chunk < following - 1; chunk++) {
        if (first + run.count > this.count) throw new CleaningRefusal("malformed");
        yield {
          number: chunk,
          offset: this.offsets[chunk] as number,
          first,
          count: run.count,
          description: run.description - 1,
        };
        first += run.count;
      }
    }
    if (first !== this.count) throw new CleaningRefusal("malformed");
  }

  /** How many bytes a chunk has. */
  measure(chunk: Chunk): number {
    if (this.#uniformBytes) return this.#uniformBytes * chunk.count;
    let length = 0;
    for (let sample = chunk.first; sample < chunk.first + chunk.count; sample++) {
      length += this.#sizes[sample] as number;
    }
    return length;
  }

  /** How many bytes a sample has. */
  size(sample: number): number {
    return this.#uniformBytes || (this.#sizes[sample] as number);
  }

  /** Note that a sample has another length now. */
  resize(sample: number, size: number): void {
    if (this.#uniformBytes) {
      this.#sizes = new Uint32Array(this.count).fill(this.#uniformBytes);
      this.#uniformBytes = 0;
    }
    this.#sizes[sample] = size;
  }

  /** Write the boxes of the table; `offsets` says where each chunk is now. */
  format(offsets: Float64Array, isWide: boolean): Bytes[] {
    const boxes = [formatList("stts", this.#times, 8)];
    if (this.#shifts !== undefined) {
      boxes.push(formatList("ctts", this.#shifts.pairs, 8, this.#shifts.version));
    }
    if (this.#syncs !== undefined) boxes.push(formatList("stss", this.#syncs, 4));
    const runs = this.#runs.flatMap((run) => [run.first, run.count, run.description]);
    boxes.push(formatList("stsc", pack(runs, 4), 12));
    const first = this.#sizes[0];
    if (!this.#uniformBytes && first && this.#sizes.every((size) => size === first)) {
      this.#uniformBytes = first;
    }
    const sizes = this.#uniformBytes ? new Uint8Array(0) : pack(this.#sizes, 4);
    boxes.push(formatBox("stsz", encodeNumbers(4, 0, this.#uniformBytes, this.count), sizes));
    const width = isWide ? 8 : 4;
    boxes.push(formatList(isWide ? "co64" : "stco", pack(offsets, width), width));
    return boxes;
  }
}

function readSizes(data: Uint8Array, boxes: Boxes): [number, number, Uint32Array] {
  const box = boxes.get("stsz");
  if (box !== undefined) {
    const cursor = new Cursor(data, box.start, box.end);
    cursor.take(4);
    const uniform = cursor.number(4);
    const count = cursor.number(4);
    const sizes = uniform ? new Uint8Array(0) : cursor.take(4 * count);
    return [uniform, count, Uint32Array.from(unpack(sizes, 4))];
  }
  const short = need(boxes, "stz2");
  const cursor = new Cursor(data, short.start, short.end);
  cursor.take(7);
  const bits = cursor.number(1);
  const count = cursor.number(4);
  if (bits === 16) return [0, count, Uint32Array.from(unpack(cursor.take(2 * count), 2))];
  if (bits === 8) return [0, count, Uint32Array.from(cursor.take(count))];
  if (bits !== 4) throw new CleaningRefusal("malformed");
  const packed = cursor.take(Math.ceil(count / 2));
  const half = (_: unknown, at: number): number =>
    ((packed[at >> 1] as number) >> (at % 2 ? 0 : 4)) & 15;
  return [0, count, Uint32Array.from({ length: count }, half)];
}

function readOffsets(data: Uint8Array, boxes: Boxes): Float64Array {
  const wide = boxes.get("co64");
  if (wide === undefined) return unpack(takeList(data, need(boxes, "stco"), 4), 4);
  const offsets = unpack(takeList(data, wide, 8), 8);
  if (offsets.some((offset) => offset > Number.MAX_SAFE_INTEGER)) {
    throw new CleaningRefusal("malformed");
  }
  return offsets;
}

/** Which chunks have how many samples; runs of the same become one. */
function readRuns(data: Uint8Array, boxes: Boxes): readonly Run[] {
  const numbers = unpack(takeList(data, need(boxes, "stsc"), 12), 4);
  const runs: Run[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [first, count, description] = numbers.subarray(at, at + 3) as unknown as number[];
    const last = runs.at(-1);
    if (last === undefined || last.count !== count || last.description !== description) {
      runs.push({ first, count, description } as Run);
    }
  }
  return runs;
}

/** Pairs of a number of samples and a time, for exactly as many samples. */
function readPairs(data: Uint8Array, box: Box, sampleCount: number): Uint8Array {
  const pairs = takeList(data, box, 8);
  const numbers = unpack(pairs, 4);
  let sum = 0;
  let hasEmpty = false;
  for (let at = 0; at < numbers.length; at += 2) {
    sum += numbers[at] as number;
    hasEmpty ||= numbers[at] === 0;
  }
  if (sum !== sampleCount || hasEmpty) throw new CleaningRefusal("malformed");
  return pairs;
}

/** Which samples can be begun with; without a list all can. */
function readSyncs(data: Uint8Array, boxes: Boxes, sampleCount: number): Uint8Array | undefined {
  const box = boxes.get("stss");
  if (box === undefined) return undefined;
  const packed = takeList(data, box, 4);
  let last = 0;
  for (const number of unpack(packed, 4)) {
    if (number <= last || number > sampleCount) throw new CleaningRefusal("malformed");
    last = number;
  }
  return packed;
}

function takeList(data: Uint8Array, box: Box, entryBytes: number): Uint8Array {
  const cursor = new Cursor(data, box.start, box.end);
  cursor.take(4);
  return cursor.take(entryBytes * cursor.number(4));
}

function formatList(name: string, entries: Uint8Array, entryBytes: number, version = 0): Bytes {
  const count = encodeBigEndian(entries.length / entryBytes, 4);
  return formatBox(name, Uint8Array.of(version, 0, 0, 0), count, entries);
}

function unpack(packed: Uint8Array, lengthBytes: 2 | 4 | 8): Float64Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const numbers = new Float64Array(packed.length / lengthBytes);
  for (let at = 0; at < numbers.length; at++) {
    const offset = at * lengthBytes;
    if (lengthBytes === 2) numbers[at] = view.getUint16(offset);
    else if (lengthBytes === 4) numbers[at] = view.getUint32(offset);
    else numbers[at] = view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
  }
  return numbers;
}

/** Numbers one behind the other, each in so many bytes. */
export function pack(numbers: ArrayLike<number>, lengthBytes: 4 | 8): Bytes {
  const packed = new Uint8Array(numbers.length * lengthBytes);
  const view = new DataView(packed.buffer);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at] as number;
    if (lengthBytes === 8) view.setUint32(8 * at, Math.floor(number / 2 ** 32));
    view.setUint32(lengthBytes * (at + 1) - 4, number % 2 ** 32);
  }
  return packed;
}
