// The filters that PDF writes streams with, undone within bounds.
//
// Only what has to be read is decoded: what draws, tables, fonts. Pixels are not. Whatever a stream
// claims of itself, no more than `Budget` allows comes out of all of them together, or goes in.

import type { Bytes } from "./bytes.js";
import { join } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { deflateNatively, inflateNatively, measureNatively } from "./pdfdeflate.js";
import { inflateParts } from "./pdfinflate.js";
import { undoPredictor } from "./pdfpredictors.js";

export const MAX_DECODED_BYTES = 64 * 1024 * 1024; // a map of a town drawn in lines has about ten
export const MAX_FILTERS = 8; // of one stream; two are common

/** The short names of filters, and their long ones. */
export const ABBREVIATIONS: ReadonlyMap<string, string> = new Map([
  ["A85", "ASCII85Decode"],
  ["AHx", "ASCIIHexDecode"],
  ["CCF", "CCITTFaxDecode"],
  ["DCT", "DCTDecode"],
  ["Fl", "FlateDecode"],
  ["LZW", "LZWDecode"],
  ["RL", "RunLengthDecode"],
]);

/** The whole numbers among a filter's parameters. */
export type Parameters = ReadonlyMap<string, number>;

/** A filter by its long name. */
export interface Filter {
  readonly name: string;
  readonly parameters: Parameters;
}

/** What may be decoded of one file. */
export class Budget {
  constructor(public leftBytes: number = MAX_DECODED_BYTES) {}

  /** Note that so many bytes were decoded; too many are refused. */
  spend(count: number): void {
    this.leftBytes -= count;
    if (this.leftBytes < 0) throw new CleaningRefusal("too-complex");
  }

  /** Hold that so many bytes may be decoded. */
  check(count: number): void {
    if (count > this.leftBytes) throw new CleaningRefusal("too-complex");
  }
}

/**
 * Undo filters, the first to be undone first. What qpdf decodes for Python, it decodes more kindly
 * (`isKind`): of a zlib stream the sum over all may be wrong, and a predictor unknown.
 */
export async function decodeFilters(
  untrusted: Bytes,
  filters: readonly Filter[],
  budget: Budget,
  isKind: boolean = false,
): Promise<Bytes> {
  if (filters.length > MAX_FILTERS) throw new CleaningRefusal("too-complex");
  let data = untrusted;
  for (const { name, parameters } of filters) {
    const before = data.length;
    switch (name) {
      case "FlateDecode":
        data = undoPredictor(await inflate(data, budget, isKind), parameters, isKind);
        break;
      case "LZWDecode":
        budget.spend(LZW_WORK * before);
        data = undoPredictor(decodeLzw(data, parameters, budget), parameters, isKind);
        break;
      case "ASCII85Decode":
        data = decodeBase85(data);
        break;
      case "ASCIIHexDecode":
        data = decodeHex(data);
        break;
      case "RunLengthDecode":
        data = decodeRuns(data, budget);
        break;
      default:
        throw new CleaningRefusal("unsupported");
    }
    // What becomes nothing takes time as well, and so does what lies between two filters.
    budget.spend(Math.max(before, data.length));
  }
  if (filters.length === 0) budget.spend(data.length);
  return data;
}

/** Compress to a zlib stream: a browser always does it in the same way. */
export function deflate(data: Bytes): Promise<Bytes> {
  return deflateNatively(data);
}

/**
 * Measure a zlib stream without keeping what comes out of it: where it ends, or the end of all if
 * it is cut. For whole streams: what follows one takes time.
 */
export async function measureDeflated(untrusted: Bytes, budget: Budget): Promise<number> {
  const lengths = await measureNatively(untrusted, budget.leftBytes);
  if (lengths === undefined) return measureDeflatedStart(untrusted, budget);
  budget.spend(lengths.decodedBytes);
  return lengths.endBytes;
}

/** Measure a zlib stream that something else follows. */
export function measureDeflatedStart(untrusted: Bytes, budget: Budget): number {
  let end = 0;
  for (const { part, endBytes, failure } of inflateParts(untrusted)) {
    if (failure !== undefined) throw new CleaningRefusal("malformed");
    budget.spend(part.length);
    end = endBytes;
  }
  return end;
}

async function inflate(data: Bytes, budget: Budget, isKind: boolean): Promise<Bytes> {
  return (await inflateNatively(data, budget.leftBytes)) ?? inflateBroken(data, budget, isKind);
}

/** Inflate what a browser does not: programs that show it take what came before. */
function inflateBroken(data: Bytes, budget: Budget, isKind: boolean): Bytes {
  const parts: Bytes[] = [];
  let length = 0;
  for (const { part, failure } of inflateParts(data)) {
    if (failure !== undefined && !(isKind && failure.isOfSum)) {
      if (isKind || parts.length === 0) throw new CleaningRefusal("malformed");
      break;
    }
    length += part.length;
    budget.check(length);
    parts.push(part.slice());
  }
  return join(...parts);
}

const LZW_WORK = 4; // a byte of it takes Python as long as so many others
const WHITE: ReadonlySet<number> = new Set([0, 9, 10, 12, 13, 32]);
const [TILDE, GREATER] = [0x7e, 0x3e];

/** What is no white space, up to a mark. */
function readUpTo(data: Bytes, mark: number): Bytes {
  const end = data.indexOf(mark);
  return data.subarray(0, end < 0 ? data.length : end).filter((code) => !WHITE.has(code));
}

function decodeBase85(data: Bytes): Bytes {
  const [zero, first, last, tab] = [0x7a, 0x21, 0x75, 0x0b];
  const plain = readUpTo(data, TILDE).filter((code) => code !== tab);
  const zeros = plain.reduce((count, code) => count + (code === zero ? 1 : 0), 0);
  const out = new Uint8Array(4 * Math.ceil((plain.length - zeros) / 5 + zeros) + 4);
  let [at, word, count] = [0, 0, 0];
  const put = (code: number): void => {
    word = word * 85 + (code - first);
    if (++count < 5) return;
    if (word > 0xffffffff) throw new CleaningRefusal("malformed");
    for (let shift = 24; shift >= 0; shift -= 8) out[at++] = (word >>> shift) & 0xff;
    word = count = 0;
  };
  for (const code of plain) {
    if (code === zero && count === 0) {
      at += 4;
    } else if (code >= first && code <= last) {
      put(code);
    } else {
      throw new CleaningRefusal("malformed");
    }
  }
  // What is missing of the last five is filled up, and what comes of that taken away.
  const missing = (5 - count) % 5;
  for (let i = 0; i < missing; i++) put(last);
  return out.subarray(0, at - missing);
}

function decodeHex(data: Bytes): Bytes {
  const digits = readUpTo(data, GREATER);
  const out = new Uint8Array(Math.ceil(digits.length / 2));
  digits.forEach((code, i) => {
    const digit = parseInt(String.fromCharCode(code), 16);
    if (Number.isNaN(digit)) throw new CleaningRefusal("malformed");
    out[i >> 1] = (out[i >> 1] as number) | (i % 2 === 0 ? digit << 4 : digit);
  });
  return out;
}

function decodeRuns(data: Bytes, budget: Budget): Bytes {
  const out = new Growing();
  let at = 0;
  while (at < data.length && data[at] !== 128) {
    const length = data[at] as number;
    if (length < 128) {
      out.push(data.subarray(at + 1, at + 2 + length));
      at += 2 + length;
    } else {
      if (at + 1 < data.length) out.fill(data[at + 1] as number, 257 - length);
      at += 2;
    }
    budget.check(out.length);
  }
  return out.take();
}

const [CLEAR, END, FIRST_FREE, MAX_CODES] = [256, 257, 258, 4096];

function decodeLzw(data: Bytes, parameters: Parameters, budget: Budget): Bytes {
  const early = (parameters.get("EarlyChange") ?? 1) === 0 ? 0 : 1;
  const out = new Growing();
  // Where in the output each code's bytes stand, and how many they are.
  const [starts, lengths] = [new Uint32Array(MAX_CODES), new Uint32Array(MAX_CODES)];
  let [next, width, bits, available] = [FIRST_FREE, 9, 0, 0];
  let [beforeStart, beforeLength] = [0, 0];
  for (const value of data) {
    bits = ((bits << 8) | value) & 0xffffff;
    available += 8;
    if (available < width) continue;
    available -= width;
    const code = (bits >> available) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      [next, width, beforeLength] = [FIRST_FREE, 9, 0];
      continue;
    }
    const start = out.length;
    if (code < CLEAR) {
      out.fill(code, 1);
    } else if (code < next) {
      out.repeat(starts[code] as number, lengths[code] as number);
    } else if (code === next && beforeLength > 0) {
      out.repeat(beforeStart, beforeLength);
      out.repeat(beforeStart, 1);
    } else {
      break; // broken: programs that show it take what came before
    }
    budget.check(out.length);
    if (beforeLength > 0 && next < MAX_CODES) {
      // The bytes before and the first of these stand in a row already.
      starts[next] = beforeStart;
      lengths[next++] = beforeLength + 1;
    }
    [beforeStart, beforeLength] = [start, out.length - start];
    width = Math.min(12, Math.max(9, 32 - Math.clz32(next + early)));
  }
  return out.take();
}

/** Bytes that become more. */
class Growing {
  length = 0;
  #data = new Uint8Array(16 * 1024);

  push(data: Bytes): void {
    this.#reserve(data.length);
    this.#data.set(data, this.length);
    this.length += data.length;
  }

  fill(value: number, count: number): void {
    this.#reserve(count);
    this.#data.fill(value, this.length, this.length + count);
    this.length += count;
  }

  /** Put behind it what is in it already. */
  repeat(start: number, count: number): void {
    this.#reserve(count);
    this.#data.copyWithin(this.length, start, start + count);
    this.length += count;
  }

  take(): Bytes {
    return this.#data.subarray(0, this.length);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#data.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#data.length, this.length + count));
    larger.set(this.#data.subarray(0, this.length));
    this.#data = larger;
  }
}
