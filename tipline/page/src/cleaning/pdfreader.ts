// A whole PDF, opened within bounds (ISO 32000-1, 7.5).
//
// 1. What comes out of streams of objects is bounded: objects take many times as much memory as
//    their text. `pdfbounds.ts` bounds all the others before.
// 2. The tables say where objects stand. If they are damaged, objects are looked for at the begin of
//    every line (`pdffile.ts`).
// 3. Streams of objects are inflated here, so that all that follows is looked up without waiting.
// 4. A file that is locked is read if its password is empty (`pdflock.ts`), and refused otherwise.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { PdfFile } from "./pdffile.js";
import { Budget } from "./pdffilters.js";
import {
  type Objects,
  PdfDictionary,
  PdfName,
  PdfNumber,
  PdfStream,
  type PdfValue,
} from "./pdfobjects.js";
import { openLock } from "./pdflock.js";
import { findWord } from "./pdfsearch.js";
import { isDigit, Lexer } from "./pdfsyntax.js";
import { Damage, decodeStream, isOfType, readInteger, readTables } from "./pdfxref.js";

export const MAX_OBJECT_BYTES = 16 * 1024 * 1024; // a handbook of a thousand pages has about ten
const END_BYTES = 1_054; // in which it is said where the tables are
const HEAD_BYTES = 1_025; // in which a file that is made for reading over a network says so

/** An open file: all that is asked of it is looked up at once. */
export class PdfDocument implements Objects {
  #last: number;

  /** See `openPdf`. */
  constructor(
    private readonly file: PdfFile,
    readonly trailer: PdfDictionary,
    readonly root: PdfDictionary,
  ) {
    this.#last = file.lastNumber;
  }

  find(number: number, generation: number): PdfValue {
    return this.file.find(number, generation);
  }

  /** Whether its tables were damaged, so that objects were looked for. */
  get isMended(): boolean {
    return this.file.isRebuilt;
  }

  /** An `id` that no object of the file has: for one that is made. */
  reserveId(): string {
    this.#last += 1;
    return `${this.#last} 0`;
  }

  /** Whether the file was made for reading over a network: such a file has two tables. */
  get isLinearized(): boolean {
    const data = this.file.untrusted;
    const end = Math.min(data.length, HEAD_BYTES);
    for (let at = 0; at < end; at++) {
      if (!isDigit(data[at])) continue;
      const lexer = new Lexer(data, at);
      while (at < end && isDigit(data[at])) at++;
      const [number, generation] = [lexer.read(), lexer.read()];
      const isHead = number.kind === "integer" && generation.kind === "integer";
      if (!isHead || !lexer.readsWord("obj") || lexer.read().kind !== "<<") continue;
      return this.#isSized(this.find(Number(number.text), 0));
    }
    return false;
  }

  #isSized(first: PdfValue): boolean {
    if (!(first instanceof PdfDictionary)) return false;
    const [version, length] = [first.get("Linearized"), first.get("L")];
    const isFirst = version instanceof PdfNumber && Math.floor(version.value) === 1;
    const isWhole = length instanceof PdfNumber && length.isInteger;
    return isFirst && isWhole && length.value === this.file.untrusted.length;
  }
}

/** Open a PDF. Throws a `CleaningRefusal` if it cannot be, or has a password. */
export async function openPdf(untrusted: Bytes): Promise<PdfDocument> {
  const file = new PdfFile(untrusted);
  const packed = new Budget(MAX_OBJECT_BYTES);
  if (!(await readAllTables(file, packed))) await mend(file, packed);
  const { trailer } = file;
  const root = trailer?.get("Root");
  if (trailer === undefined || !(root instanceof PdfDictionary) || !hasPages(root)) {
    throw new CleaningRefusal("malformed");
  }
  return new PdfDocument(file, trailer, root);
}

// --- tables ---------------------------------------------------------------------------------------

/** Read the tables that the end of the file names; false if they are damaged. */
async function readAllTables(file: PdfFile, packed: Budget): Promise<boolean> {
  const start = findStart(file.untrusted);
  if (start === 0 || !(await isRead(file, start, packed))) return false;
  await unpackAll(file, packed);
  return true;
}

/** Look for what the tables should say. */
async function mend(file: PdfFile, packed: Budget): Promise<void> {
  const found = file.search();
  const last = found.starts[found.starts.length - 1] ?? 0;
  const object = found.objects[found.objects.length - 1];
  // There may be more behind its end than there should be.
  if (findStart(file.untrusted) === 0 && object !== undefined && last > object[2]) {
    const offset = new Lexer(file.untrusted, last).read();
    if (offset.kind === "integer" && (await isRead(file, Number(offset.text), packed))) {
      // Nothing is opened by what a table says that may be of no account.
      await unpackStreams(file, packed);
      const root = file.trailer?.get("Root");
      if (root instanceof PdfDictionary && hasPages(root)) {
        await unpackAll(file, packed);
        return;
      }
    }
  }
  file.rebuild(found);
  if (!file.trailer?.has("Root")) await findTrailer(file, packed);
  await unpackAll(file, packed);
  if (!(file.trailer?.get("Root") instanceof PdfDictionary)) findRoot(file);
}

function hasPages(root: PdfDictionary): boolean {
  return root.get("Pages") instanceof PdfDictionary;
}

/** Where the last table is said to be; 0 if it is not said. */
function findStart(data: Bytes): number {
  let offset = 0;
  const from = Math.max(0, data.length - END_BYTES);
  for (let at = findWord(data, "startxref", from); at >= 0;) {
    const lexer = new Lexer(data, at);
    if (lexer.readsWord("startxref")) {
      const token = lexer.read();
      if (token.kind === "integer") offset = Number(token.text);
    }
    at = findWord(data, "startxref", at + 1);
  }
  return offset;
}

async function isRead(file: PdfFile, offset: number, packed: Budget): Promise<boolean> {
  try {
    await readTables(file, offset, packed);
    return true;
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return false;
  }
}

/** There is no trailer that is of use: take what the largest table says that is a stream. */
async function findTrailer(file: PdfFile, packed: Budget): Promise<void> {
  let offset = 0;
  for (const { value, offset: at } of file.listPlain()) {
    if (!(value instanceof PdfStream) || !isOfType(value, "XRef")) continue;
    const size = value.get("Size");
    if (!(size instanceof PdfNumber) || (size.value <= 0 && at <= offset)) continue;
    offset = at;
    file.trailer ??= value.dictionary;
  }
  if (offset > 0) await isRead(file, offset, packed);
}

/** There is no root: take the last that was read and says of itself that it is one. */
function findRoot(file: PdfFile): void {
  for (const reference of file.listRead()) {
    const value = reference.follow();
    if (!(value instanceof PdfDictionary)) continue;
    const type = value.get("Type");
    if (!(type instanceof PdfName) || type.name !== "Catalog") continue;
    file.trailer ??= new PdfDictionary();
    file.trailer.entries.set("Root", reference);
  }
}

// --- streams of objects ---------------------------------------------------------------------------

/** Inflate the streams of objects. The code is opened before: it is theirs, too. */
async function unpackAll(file: PdfFile, budget: Budget): Promise<void> {
  if (file.trailer?.has("Encrypt") && !file.isUnlocked) {
    file.unlock(await openLock(file.trailer));
  }
  await unpackStreams(file, budget);
  // What says how they are coded cannot lie in them.
  if (file.trailer?.has("Encrypt") && !file.isUnlocked) throw new CleaningRefusal("encrypted");
}

async function unpackStreams(file: PdfFile, budget: Budget): Promise<void> {
  for (const number of file.listPackedStreams()) {
    try {
      await unpack(file, number, budget);
    } catch (error) {
      if (!(error instanceof Damage)) throw error; // there are none in it
    }
  }
  file.isUnpacked = true;
}

/** Inflate a stream of objects, and note where each of them lies in it. */
async function unpack(file: PdfFile, number: number, budget: Budget): Promise<void> {
  const stream = file.find(number, 0);
  if (!(stream instanceof PdfStream)) return;
  listObjects(file, number, stream, await decodeStream(stream, budget));
}

function listObjects(file: PdfFile, number: number, stream: PdfStream, data: Bytes): void {
  const [count, first] = [readInteger(stream.get("N")), readInteger(stream.get("First"))];
  if (count < 0 || first < 0 || first >= data.length) throw new Damage();
  const lexer = new Lexer(data, 0);
  let [before, offset] = [0, -1];
  for (let i = 0; i < count; i++) {
    const [id, at] = [lexer.read(), lexer.read()];
    if (id.kind !== "integer" || at.kind !== "integer") throw new Damage();
    const [next, place] = [Number(id.text), Number(at.text)];
    if (next === number || next < 1 || place <= offset || first + place >= data.length) continue;
    if (before > 0) {
      file.pack(before, number, { data, start: first + offset, end: first + place });
    }
    [before, offset] = [next, place];
  }
  if (before > 0) {
    file.pack(before, number, { data, start: first + offset, end: data.length });
  }
}
