// The tables of a PDF that say where its objects stand (ISO 32000-1, 7.5.4 and 7.5.8): texts, and
// streams; each says where the one before it is.
//
// Read as kindly as qpdf does, which reads for Python. A table that is broken is thrown as `Damage`:
// then the objects are looked for in the whole file.

import type { Bytes } from "./bytes.js";
import { bigEndian } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { type Budget, decodeFilters } from "./pdffilters.js";
import type { PdfFile } from "./pdffile.js";
import {
  PdfArray,
  PdfDictionary,
  PdfName,
  PdfNumber,
  PdfStream,
  type PdfValue,
} from "./pdfobjects.js";
import { readFilters } from "./pdfstreams.js";
import { isDigit, isSpace, Lexer } from "./pdfsyntax.js";

const ENTRY_BYTES = 20;
const MAX_FIELD_BYTES = 8;
const MAX_NUMBER = 0x7fffffff; // that qpdf holds
const MAX_ENTRY_BYTES = 30; // of one that is not written as it should be
const [NEW_LINE, RETURN, FREE, USED] = [0x0a, 0x0d, 0x66, 0x6e];
const [PLAIN, PACKED] = [1, 2];

/** A table that is none. */
export class Damage extends Error {}

/** Read the table at an offset, and all before it. */
export async function readTables(file: PdfFile, offset: number, budget: Budget): Promise<void> {
  const visited = new Set<number>();
  for (let at = offset; at !== 0;) {
    visited.add(at);
    let start = at;
    while (isSpace(file.untrusted[start]) && file.untrusted[start] !== 0) start++;
    const isText = startsWithTable(file.untrusted, start);
    at = isText ? await readTable(file, start + 4, budget) : await readStream(file, at, budget);
    if (visited.has(at)) throw new Damage();
  }
  if (file.trailer === undefined) throw new Damage();
  file.settle();
}

function startsWithTable(data: Bytes, at: number): boolean {
  const word = String.fromCharCode(...data.subarray(at, at + 4));
  return word === "xref" && isSpace(data[at + 4]) && data[at + 4] !== 0;
}

// --- tables as texts ------------------------------------------------------------------------------

async function readTable(file: PdfFile, offset: number, budget: Budget): Promise<number> {
  const data = file.untrusted;
  const lexer = new Lexer(data, offset);
  for (;;) {
    const start = lexer.position;
    const [first, count] = [lexer.read(), lexer.read()];
    if (!/^[0-9]+$/.test(first.text) || !/^[0-9]+$/.test(count.text)) throw new Damage();
    let at = lexer.position;
    if (at >= start + 50) throw new Damage();
    while (isSpace(data[at])) at++;
    const begin = Number(first.text);
    for (let number = begin; number < begin + Number(count.text); number++) {
      const entry = readEntry(data, at);
      file.work.spend(ENTRY_BYTES);
      at = entry.end;
      if (entry.isFree) file.free(number, entry.generation);
      else file.insert(number, entry.generation, entry.offset);
    }
    lexer.position = at;
    if (lexer.readsWord("trailer")) break;
    lexer.position = at;
  }
  const trailer = file.readTrailer(lexer.position);
  if (trailer === undefined) throw new Damage();
  if (file.trailer === undefined) {
    file.trailer = trailer;
    readInteger(trailer.get("Size"));
  }
  const hidden = trailer.get("XRefStm");
  // What it says is before it is of no account: the text says that, too.
  if (hidden !== undefined) await readStream(file, readInteger(hidden), budget);
  return readBefore(trailer);
}

interface Entry {
  readonly offset: number;
  readonly generation: number;
  readonly isFree: boolean;
  readonly end: number;
}

function readEntry(data: Bytes, start: number): Entry {
  if (start + ENTRY_BYTES > data.length) throw new Damage();
  const offset = readDigits(data, start, 10);
  const generation = readDigits(data, start + 11, 5);
  const kind = data[start + 17];
  const last = data[start + 19];
  const isWhole =
    offset >= 0 &&
    generation >= 0 &&
    isSpace(data[start + 10]) &&
    isSpace(data[start + 16]) &&
    (kind === FREE || kind === USED) &&
    (last === NEW_LINE || last === RETURN);
  if (!isWhole) return readOddEntry(data, start);
  return { offset, generation, isFree: kind === FREE, end: start + ENTRY_BYTES };
}

/** Read so many digits; -1 if there are others. */
function readDigits(data: Bytes, start: number, count: number): number {
  let number = 0;
  for (let at = start; at < start + count; at++) {
    if (!isDigit(data[at])) return -1;
    number = number * 10 + (data[at] as number) - 0x30;
  }
  return number;
}

/** Read an entry that is shorter or longer than it should be. */
function readOddEntry(data: Bytes, start: number): Entry {
  const line = String.fromCharCode(...data.subarray(start, start + MAX_ENTRY_BYTES));
  const [text] = line.split(/[\r\n]/, 1) as [string];
  const found = /^[ \t\f\v]*([0-9]{1,10})[ \t\f\v]+([0-9]+)[ \t\f\v]+([fn])/.exec(text);
  if (found === null) throw new Damage();
  let end = start + text.length;
  while (end < data.length && data[end] !== NEW_LINE && data[end] !== RETURN) end++;
  while (data[end] === NEW_LINE || data[end] === RETURN) end++;
  const [offset, generation] = [Number(found[1]), Number(found[2])];
  if (generation > MAX_NUMBER || !Number.isSafeInteger(offset)) throw new Damage();
  return { offset, generation, isFree: found[3] === "f", end };
}

// --- tables as streams ----------------------------------------------------------------------------

async function readStream(file: PdfFile, offset: number, budget: Budget): Promise<number> {
  const stream = file.readAt(offset, true)?.value;
  if (!(stream instanceof PdfStream) || !isOfType(stream, "XRef")) throw new Damage();
  const widths = readWidths(stream);
  const size = readInteger(stream.get("Size"));
  const sections = readSections(stream, size);
  const data = await decodeStream(stream, budget);
  const entryBytes = widths.reduce((sum, width) => sum + width, 0);
  const count = sections.reduce((sum, [, length]) => sum + length, 0);
  if (entryBytes * count > data.length) throw new Damage();
  let at = 0;
  for (const [first, length] of sections) {
    for (let number = first; number < first + length; number++) {
      const fields = widths.map((width) => {
        at += width;
        return bigEndian(data, at - width, width);
      });
      insert(file, number, widths[0] === 0 ? [PLAIN, ...fields.slice(1)] : fields);
    }
  }
  file.trailer ??= stream.dictionary;
  return readBefore(stream.dictionary);
}

function insert(file: PdfFile, number: number, fields: readonly number[]): void {
  const [kind, place, third] = fields as [number, number, number];
  if (number === 0) return;
  if (kind === 0) file.free(number, 0);
  else if (kind === PLAIN) file.insert(number, third, place);
  else if (kind !== PACKED) throw new Damage();
  else if (place > 0) file.insert(number, 0, -place);
}

function readWidths(stream: PdfStream): number[] {
  const widths = stream.get("W");
  if (!(widths instanceof PdfArray) || widths.length < 3) throw new Damage();
  const read = [0, 1, 2].map((i) => readInteger(widths.at(i)));
  const isKnown = read.every((width) => width >= 0 && width <= MAX_FIELD_BYTES);
  if (!isKnown || read.every((width) => width === 0)) throw new Damage();
  return read;
}

/** The numbers that a table is about: where each row of them begins, and how many there are. */
function readSections(stream: PdfStream, size: number): [number, number][] {
  if (size < 0) throw new Damage();
  const index = stream.get("Index");
  if (index === undefined) return [[0, size]];
  if (!(index instanceof PdfArray) || index.length < 2 || index.length % 2 !== 0) {
    throw new Damage();
  }
  const numbers = index.values().map(readInteger);
  const sections: [number, number][] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const [first, count] = [numbers[i] as number, numbers[i + 1] as number];
    if (first < 0 || count <= 0) throw new Damage();
    sections.push([first, count]);
  }
  return sections;
}

/** Decode a stream; one that cannot be is thrown as `Damage`. */
export async function decodeStream(stream: PdfStream, budget: Budget): Promise<Bytes> {
  try {
    return await decodeFilters(await stream.read(), readFilters(stream), budget, true);
  } catch (error) {
    if (!(error instanceof CleaningRefusal) || error.reason === "too-complex") throw error;
    throw new Damage();
  }
}

// --- values ---------------------------------------------------------------------------------------

function readBefore(trailer: PdfDictionary): number {
  const before = trailer.get("Prev");
  return before === undefined ? 0 : readInteger(before);
}

/** A whole number. */
export function readInteger(value: PdfValue | undefined): number {
  if (!(value instanceof PdfNumber) || !value.isInteger) throw new Damage();
  return value.value;
}

/** Whether a stream says of itself that it is of a type. */
export function isOfType(stream: PdfStream, type: string): boolean {
  const found = stream.get("Type");
  return found instanceof PdfName && found.name === type;
}
