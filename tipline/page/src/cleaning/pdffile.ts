// The objects of a PDF by their numbers, each read when it is asked for.
//
// Where an object stands is said by tables (`pdfxref.ts`). If it does not stand there, all objects
// of the file are looked for, once, and the last one of a number counts. Nothing calls itself: what
// a stream's length is, is only asked when its bytes are.

import type { Bytes } from "./bytes.js";
import { Budget } from "./pdffilters.js";
import {
  DIRECT,
  type Objects,
  PdfDictionary,
  PdfNumber,
  PdfStream,
  type PdfValue,
  PdfReference,
} from "./pdfobjects.js";
import type { PdfLock } from "./pdflock.js";
import { countBelow, findLastWord, findWord, Lines } from "./pdfsearch.js";
import { isSpace, Lexer, ObjectParser } from "./pdfsyntax.js";
import { CleaningRefusal } from "./errors.js";

const MAX_ENTRIES = 1_000_000; // a book of a thousand pages has about ten thousand
const MAX_GENERATION = 65_535;
const MAX_NUMBER = 0x7fffffff; // that qpdf holds
const MAX_READ_BYTES = 64 * 1024 * 1024; // of objects that are no streams, each time they are read
// A string that is coded, however short, takes as long as so many bytes: 130,000 are half a minute
// without a compiler.
const CODED_STRING_BYTES = 512;
const SEARCHED_BYTES = 10; // of a token: longer ones are not looked for
const TAIL_ENDS = 3;
const END_BYTES = 20; // more than the words have that end something
const [NEW_LINE, RETURN] = [0x0a, 0x0d];

/** Where an object stands that lies in a stream of objects. */
interface Packed {
  readonly data: Bytes;
  readonly start: number;
  readonly end: number;
}

/** An object that was read at a place. */
export interface FoundObject {
  readonly number: number;
  readonly generation: number;
  readonly value: PdfValue;
}

/** What a walk through the whole file finds. */
export interface Found {
  readonly objects: readonly (readonly [number: number, generation: number, offset: number])[];
  readonly trailers: readonly number[];
  readonly starts: readonly number[];
}

export class PdfFile implements Objects {
  trailer: PdfDictionary | undefined;
  isRebuilt = false;
  /** Whether it is known where objects lie in streams. */
  isUnpacked = false;
  readonly work = new Budget(MAX_READ_BYTES);
  #lock: PdfLock | undefined;
  /** By `keyOf`: an offset, or less than 0 the number of the stream in which it lies. */
  readonly #entries = new Map<number, number>();
  readonly #free = new Set<number>();
  readonly #values = new Map<number, PdfValue>();
  readonly #packed = new Map<number, Packed>();
  readonly #maxNumber: number;
  #ends: number[] | undefined;
  readonly #tailStart: number; // behind it so few streams end that any may be cut
  #offsets: Float64Array | undefined;

  constructor(readonly untrusted: Bytes) {
    // An entry of a table takes as many bytes at least.
    this.#maxNumber = Math.floor(untrusted.length / 3);
    this.#tailStart = findTail(untrusted);
  }

  find(number: number, generation: number): PdfValue {
    const key = keyOf(number, generation);
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry < 0 && !this.isUnpacked) return null;
    this.#values.set(key, null); // whoever asks for it while it is read
    const value = entry < 0 ? this.#readPacked(number) : this.#readEntry(number, generation, entry);
    this.#values.set(key, value);
    return value;
  }

  get isUnlocked(): boolean {
    return this.#lock !== undefined;
  }

  /** Decode what is read from now on; what was read before was not coded, or is read again. */
  unlock(lock: PdfLock): void {
    this.#lock = lock;
    this.#values.clear();
  }

  // --- tables -----------------------------------------------------------------------------------

  /** Note where an object stands; the first that is said counts, since the newest is read first. */
  insert(number: number, generation: number, entry: number): void {
    const isKnown = generation >= 0 && generation < MAX_GENERATION;
    const isPossible = number > 0 && number <= this.#maxNumber && isKnown;
    if (!isPossible || this.#free.has(number) || entry === -number) return;
    const key = keyOf(number, generation);
    if (this.#entries.has(key)) return;
    if (this.#entries.size >= MAX_ENTRIES) throw new CleaningRefusal("too-complex");
    this.#entries.set(key, entry);
    this.#offsets = undefined;
  }

  /** Note that there is no object of a number any more. */
  free(number: number, generation: number): void {
    if (!this.#entries.has(keyOf(number, generation))) this.#free.add(number);
  }

  /** All tables are read: of each number the highest generation stays. */
  settle(): void {
    this.#free.clear();
    const highest = new Map<number, number>();
    for (const key of this.#entries.keys()) {
      const number = numberOf(key);
      const other = highest.get(number);
      if (other !== undefined) this.#entries.delete(Math.min(key, other));
      highest.set(number, Math.max(key, other ?? 0));
    }
    this.#offsets = undefined;
  }

  /** The numbers of all streams of objects that something lies in. */
  listPackedStreams(): Set<number> {
    const streams = new Set<number>();
    for (const entry of this.#entries.values()) if (entry < 0) streams.add(-entry);
    return streams;
  }

  /** All objects that lie in the file itself, by number and generation. */
  *listPlain(): Generator<FoundObject & { readonly offset: number }, void, void> {
    const keys = [...this.#entries.keys()].sort((one, other) => one - other);
    for (const key of keys) {
      const offset = this.#entries.get(key) ?? -1;
      if (offset < 0) continue;
      const [number, generation] = [numberOf(key), key % KEY];
      yield { number, generation, value: this.find(number, generation), offset };
    }
  }

  /** All objects that were read so far, by number and generation. */
  listRead(): PdfReference[] {
    const keys = [...this.#values.keys()].sort((one, other) => one - other);
    return keys.map((key) => new PdfReference(numberOf(key), key % KEY, this));
  }

  /** Say where an object lies in a stream of objects, if it is to be looked for there. */
  pack(number: number, stream: number, packed: Packed): void {
    if (this.#entries.get(keyOf(number, 0)) === -stream) this.#packed.set(number, packed);
  }

  /** The highest number that any object has. */
  get lastNumber(): number {
    let last = 0;
    for (const key of this.#entries.keys()) last = Math.max(last, numberOf(key));
    return last;
  }

  // --- objects ----------------------------------------------------------------------------------

  /**
   * Read what stands at an offset, whatever its number; undefined if that is no object. `isMended`:
   * it may be none, so that less is forgiven.
   */
  readAt(offset: number, isMended: boolean = this.isRebuilt): FoundObject | undefined {
    const lexer = new Lexer(this.untrusted, offset);
    const [number, generation] = [lexer.read(), lexer.read()];
    const isHead = number.kind === "integer" && generation.kind === "integer";
    if (offset <= 0 || !isHead || !lexer.readsWord("obj")) return undefined;
    const found = { number: Number(number.text), generation: Number(generation.text) };
    const id = `${found.number} ${found.generation}`;
    const isPossible = found.number !== 0 && Math.max(found.number, found.generation) <= MAX_NUMBER;
    return isPossible ? { ...found, value: this.#readValue(lexer, id, isMended) } : undefined;
  }

  /** Read a dictionary that has no number. */
  readTrailer(offset: number): PdfDictionary | undefined {
    const lexer = new Lexer(this.untrusted, offset);
    const { value } = new ObjectParser(lexer, this, DIRECT, this.isRebuilt).parse();
    return value instanceof PdfDictionary ? value : undefined;
  }

  #readEntry(number: number, generation: number, offset: number): PdfValue {
    const isHere = (found: FoundObject | undefined): found is FoundObject =>
      found?.number === number && found.generation === generation;
    if (offset === 0) return null; // so some programs say that it is gone
    const found = this.readAt(offset);
    if (isHere(found)) return found.value;
    if (this.isRebuilt) return null;
    this.rebuild(this.search());
    const again = this.#entries.get(keyOf(number, generation)) ?? -1;
    const refound = again < 0 ? undefined : this.readAt(again);
    return isHere(refound) ? refound.value : null;
  }

  #readPacked(number: number): PdfValue {
    const packed = this.#packed.get(number);
    if (packed === undefined) return null;
    const lexer = new Lexer(packed.data, packed.start, packed.end);
    const { value } = new ObjectParser(lexer, this, `${number} 0`).parse();
    this.work.spend(lexer.position - packed.start);
    return value instanceof PdfReference ? null : value;
  }

  #readValue(lexer: Lexer, id: string, isMended: boolean): PdfValue {
    const start = lexer.position;
    const decode = this.#lock && ((text: string) => this.#decodeString(text, id));
    const { value, isEmpty } = new ObjectParser(lexer, this, id, isMended, decode).parse();
    this.work.spend(lexer.position - start);
    if (isEmpty || value instanceof PdfReference) return null;
    const { kind, text } = lexer.read();
    if (value instanceof PdfDictionary && kind === "word" && text === "stream") {
      return this.#makeStream(value, skipLineEnd(this.untrusted, lexer.position));
    }
    // With the file an object is cut.
    return this.#isAtEnd(lexer.position) ? null : value;
  }

  #isAtEnd(position: number): boolean {
    let at = position;
    while (this.untrusted[at] !== 0 && isSpace(this.untrusted[at])) at++;
    return at >= this.untrusted.length;
  }

  // --- streams ----------------------------------------------------------------------------------

  #makeStream(dictionary: PdfDictionary, start: number): PdfStream | null {
    if (start > this.#tailStart) {
      const isOpen = findEnd(this.untrusted, start) < 0;
      if (isOpen || this.#isCut(this.#findEnd(dictionary, start))) return null;
    }
    let raw: Bytes | Promise<Bytes> | undefined;
    return new PdfStream(dictionary, () => {
      raw ??= this.#decodeStream(
        this.untrusted.subarray(start, this.#findEnd(dictionary, start)),
        dictionary,
      );
      return raw;
    });
  }

  #decodeStream(raw: Bytes, dictionary: PdfDictionary): Bytes | Promise<Bytes> {
    return this.#lock?.decodeStream(raw, dictionary, ...readId(dictionary.id)) ?? raw;
  }

  #decodeString(text: string, id: string): string {
    this.work.spend(CODED_STRING_BYTES);
    return this.#lock?.decodeString(text, ...readId(id)) ?? text;
  }

  /** Whether the file ends with the words behind a stream, or before them. */
  #isCut(end: number): boolean {
    const lexer = new Lexer(this.untrusted, end);
    if (lexer.readsWord("endstream")) lexer.read();
    return this.#isAtEnd(lexer.position);
  }

  /** Where a stream ends: as it says, if that is true. */
  #findEnd(dictionary: PdfDictionary, start: number): number {
    const length = dictionary.get("Length");
    if (length instanceof PdfNumber && length.isInteger) {
      const end = start + Math.max(0, length.value);
      if (new Lexer(this.untrusted, end).readsWord("endstream")) return end;
    }
    this.#ends ??= listEnds(this.untrusted);
    const end = this.#ends[countBelow(this.#ends, start)];
    return end === undefined || !this.#isInside(dictionary.id, end) ? start : end;
  }

  /** Whether no other object begins between the head of an object and an end. */
  #isInside(id: string, end: number): boolean {
    this.#offsets ??= Float64Array.from(this.#entries.values())
      .filter((entry) => entry > 0)
      .sort();
    const count = countBelow(this.#offsets, end);
    const [number, generation] = readId(id);
    return count === 0 || this.#entries.get(keyOf(number, generation)) === this.#offsets[count - 1];
  }

  // --- a damaged file ---------------------------------------------------------------------------

  /**
   * Look for everything that begins a line: objects, where tables are said to be, and trailers, if
   * none is known.
   */
  search(): Found {
    const found = { objects: [] as [number, number, number][], trailers: [] as number[] };
    const starts: number[] = [];
    const isKnown = this.trailer !== undefined;
    const lines = new Lines(this.untrusted);
    const lexer = new Lexer(this.untrusted, 0);
    while (lexer.position < this.untrusted.length) {
      const token = lexer.read(SEARCHED_BYTES);
      const behind = lexer.position;
      if (token.kind === "integer") {
        const generation = lexer.read(SEARCHED_BYTES);
        const word = lexer.read(SEARCHED_BYTES);
        if (generation.kind === "integer" && word.kind === "word" && word.text === "obj") {
          if (found.objects.length >= MAX_ENTRIES) throw new CleaningRefusal("too-complex");
          found.objects.push([Number(token.text), Number(generation.text), token.start]);
        }
      } else if (token.kind === "word" && token.text === "trailer" && !isKnown) {
        found.trailers.push(behind);
      } else if (token.kind === "word" && token.text === "startxref") {
        starts.push(behind);
      }
      lexer.position = lines.next(behind);
    }
    return { ...found, starts };
  }

  /** Take what was found for what the tables say; objects in streams stay where they are. */
  rebuild(found: Found): void {
    this.isRebuilt = true;
    for (const [key, entry] of this.#entries) if (entry >= 0) this.#entries.delete(key);
    for (const [number, generation, offset] of [...found.objects].reverse()) {
      this.insert(number, generation, offset);
    }
    this.#free.clear();
    this.#offsets = undefined;
    for (const offset of [...found.trailers].reverse()) {
      const trailer = this.readTrailer(offset);
      if (trailer?.has("Root")) {
        this.trailer = trailer;
        return;
      }
    }
  }
}

const KEY = 0x10000;

function keyOf(number: number, generation: number): number {
  return number * KEY + generation;
}

function readId(id: string): [number: number, generation: number] {
  return id.split(" ").map(Number) as [number, number];
}

function numberOf(key: number): number {
  return Math.floor(key / KEY);
}

/** Where the bytes of a stream begin, behind its word: a return alone is taken, too. */
function skipLineEnd(data: Bytes, position: number): number {
  let at = position;
  while (isSpace(data[at]) && data[at] !== NEW_LINE && data[at] !== RETURN) at++;
  if (data[at] === RETURN) return data[at + 1] === NEW_LINE ? at + 2 : at + 1;
  return data[at] === NEW_LINE ? at + 1 : at;
}

/** Where streams or objects end, by their words alone. */
function listEnds(data: Bytes): number[] {
  const ends: number[] = [];
  for (let at = findEnd(data, 0); at >= 0; at = findEnd(data, at + 1)) ends.push(at);
  return ends;
}

/** The next of them; -1 if there is none. */
function findEnd(data: Bytes, from: number): number {
  let at = findWord(data, "end", from);
  while (at >= 0 && !isEnd(data, at)) at = findWord(data, "end", at + 1);
  return at;
}

/** Where the last but few of them stands; -1 if there are no more. */
function findTail(data: Bytes): number {
  let at = data.length;
  for (let i = 0; i < TAIL_ENDS && at > 0; i++) {
    do at = findLastWord(data, "end", at);
    while (at > 0 && !isEnd(data, at));
  }
  return at;
}

function isEnd(data: Bytes, at: number): boolean {
  const { text } = new Lexer(data, at, Math.min(data.length, at + END_BYTES)).read();
  return text === "endstream" || text === "endobj";
}
