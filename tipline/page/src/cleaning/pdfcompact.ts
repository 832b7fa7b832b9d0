// Compact fonts (CFF, Adobe technical note 5176): the texts that the first dictionary names become
// blanks, its numbers of identity zeros, of the same length, since what follows is found by offsets.

import { bigEndian, type Bytes, latin1, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import { TOKEN_BYTES } from "./pdftokens.js";

/** Six letters that stand before the name of every font that was cut down. */
export const EQUAL_TAG = "AAAAAA+";
// A program draws them by chance, or of the font.
const TAG = /^[A-Z]{6}\+/;
// version, Notice, FullName, FamilyName, Weight; Copyright, PostScript, BaseFontName.
const TEXTS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 0x0c00, 0x0c15, 0x0c16]);
const NUMBERS: ReadonlySet<number> = new Set([13, 14]); // UniqueID, XUID
const STANDARD_STRINGS = 391;
const LAST_OPERATOR = 21;
const ESCAPE = 12;
const REAL = 30; // a number of half bytes, up to an f
const [SHORT, LONG] = [28, 29];
const NEGATIVE = 0x80;

/**
 * Clean a compact font: it stays as long as before. `budget` is spent on the operators and numbers
 * of its first dictionary.
 */
export function cleanCompact(untrusted: Bytes, budget: Budget): Bytes {
  const data = untrusted.slice();
  if (data.length < 4) throw new CleaningRefusal("truncated");
  const names = readIndex(untrusted, data[2] as number);
  const dictionaries = readIndex(untrusted, names.end);
  const strings = readIndex(untrusted, dictionaries.end);
  for (const { start, end } of names.items) {
    const tag = textOf(untrusted.subarray(start, Math.min(end, start + EQUAL_TAG.length)));
    if (TAG.test(tag)) data.set(latin1(EQUAL_TAG), start);
  }
  const telling = new Set<number>();
  for (const { start, end } of dictionaries.items) {
    const operations = readDictionary(untrusted, start, end, budget);
    for (const { operator, operands, first, last } of operations) {
      const named = operands[operands.length - 1];
      if (TEXTS.has(operator) && named !== undefined) {
        telling.add(named - STANDARD_STRINGS);
      } else if (NUMBERS.has(operator)) {
        data.set(zeroNumbers(untrusted.subarray(first, last)), first);
      }
    }
  }
  // Each once, however often it is named.
  for (const number of telling) {
    const text = strings.items[number];
    if (text !== undefined) data.fill(0x20, text.start, text.end);
  }
  return data;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the items of an index lie, and where it ends. */
interface Index {
  readonly items: readonly Span[];
  readonly end: number;
}

function readIndex(data: Bytes, at: number): Index {
  const count = bigEndian(data, at, 2);
  if (count === 0) return { items: [], end: at + 2 };
  const size = data[at + 2] ?? 0;
  const base = at + 3 + (count + 1) * size - 1;
  if (size < 1 || size > 4 || base > data.length) throw new CleaningRefusal("malformed");
  const items: Span[] = [];
  let end = -1;
  for (let i = 0; i <= count; i++) {
    const start = end;
    end = base + bigEndian(data, at + 3 + i * size, size);
    if (i === 0) continue;
    if (start > end) throw new CleaningRefusal("malformed");
    items.push({ start, end });
  }
  if (end > data.length) throw new CleaningRefusal("malformed");
  return { items, end };
}

/** An operator, its operands, and where those lie. */
interface Operation {
  readonly operator: number;
  readonly operands: readonly number[];
  readonly first: number;
  readonly last: number;
}

function* readDictionary(
  data: Bytes,
  start: number,
  end: number,
  budget: Budget,
): Generator<Operation, void, void> {
  let [at, first] = [start, start];
  let operands: number[] = [];
  while (at < end) {
    budget.spend(TOKEN_BYTES);
    const value = data[at] as number;
    if (value <= LAST_OPERATOR) {
      const length = value === ESCAPE ? 2 : 1;
      yield { operator: bigEndian(data, at, length), operands, first, last: at };
      at += length;
      first = at;
      operands = [];
      continue;
    }
    const length = measureNumber(data, at, end);
    operands.push(readNumber(data.subarray(at, at + length)));
    at += length;
  }
}

function measureNumber(data: Bytes, at: number, end: number): number {
  const value = data[at] as number;
  if (value === REAL) {
    let stop = at + 1;
    const isEnd = (byte: number): boolean => (byte & 15) === 15 || byte >> 4 === 15;
    while (stop < end && !isEnd(data[stop] as number)) stop++;
    return stop + 1 - at;
  }
  if (value === SHORT) return 3;
  if (value === LONG) return 5;
  return value < 247 ? 1 : 2;
}

/** Read a whole number; strings are named by small ones. -1 for all others. */
function readNumber(raw: Bytes): number {
  const value = raw[0] as number;
  if (value === SHORT || value === LONG) {
    const number = bigEndian(raw, 1, raw.length - 1);
    const isNegative = ((raw[1] ?? 0) & NEGATIVE) !== 0;
    return isNegative ? number - 256 ** (raw.length - 1) : number;
  }
  if (value >= 32 && value <= 246) return value - 139;
  if (value >= 247 && value <= 250 && raw.length === 2) {
    return (value - 247) * 256 + (raw[1] as number) + 108;
  }
  return -1;
}

/** Write as many zeros as there are numbers, in the same bytes. */
function zeroNumbers(raw: Bytes): Bytes {
  const out = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length;) {
    const length = measureNumber(raw, at, raw.length);
    if (length === 2) out[at] = 0xf7;
    else if (length === 3) out[at] = SHORT;
    else if (length === 5) out[at] = LONG;
    else out.fill(0x8b, at, at + length);
    at += length;
  }
  return out;
}
