// The objects of a PDF, read out of its bytes (ISO 32000-1, 7.2 and 7.3).
//
// Kind where qpdf is, which reads for Python: programs show what is broken in these ways. A broken
// token is null, a word is a string, an entry without a name has one that nobody asks for; too many
// of them, or brackets too deep, and the object is null as a whole. Nothing calls itself.

import type { Bytes } from "./bytes.js";
import { decodeHex, hexDigit, longText, unescapeName, unescapeString } from "./pdfescapes.js";
import {
  DIRECT,
  type Objects,
  PdfArray,
  PdfDictionary,
  type PdfItem,
  PdfName,
  PdfNumber,
  PdfReference,
  PdfString,
} from "./pdfobjects.js";

const MAX_DEPTH = 50; // of brackets; ten are many
const MAX_ERRORS = 15; // of one object
const MAX_NEAR_ERRORS = 5; // with less than five good tokens between them
const GOOD_TOKENS = 4;
const MAX_BROKEN_ITEMS = 5_000; // of an array or a dictionary in which something is broken
const MAX_GENERATION = 65_535;
const MAX_NUMBER = 0x7fffffff; // of an object
const MAX_INTEGER = 0x7fffffffffffffffn;
const SAFE_DIGITS = 18;

type TokenKind =
  | "end"
  | "bad"
  | "["
  | "]"
  | "<<"
  | ">>"
  | "brace"
  | "literal"
  | "integer"
  | "real"
  | "name"
  | "string"
  | "word";

/** A token, and where it begins. */
export interface SyntaxToken {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
}

/** What stands at a place. */
export interface ParsedObject {
  readonly value: PdfItem;
  /** Whether nothing stands there. */
  readonly isEmpty: boolean;
}

const REGULAR = 0;
const SPACE = 1;
const DELIMITER = 2;
const CLASSES = new Uint8Array(256);
for (const code of [0, 9, 10, 11, 12, 13, 32]) CLASSES[code] = SPACE;
for (const mark of "()<>[]{}/%") CLASSES[mark.charCodeAt(0)] = DELIMITER;

const [NEW_LINE, RETURN, OPEN, CLOSE, PERCENT] = [0x0a, 0x0d, 0x28, 0x29, 0x25];
const [SLASH, LESS, GREATER, BACKSLASH] = [0x2f, 0x3c, 0x3e, 0x5c];
const INTEGER = /^[+-]?[0-9]+$/;
const REAL = /^[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)$/;
const SHORT_BYTES = 24;
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);
/** Whether a byte is white space. */
export function isSpace(code: number | undefined): boolean {
  return code !== undefined && CLASSES[code] === SPACE;
}

/** Whether a byte is a digit. */
export function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}

/** Reads tokens from a place on. */
export class Lexer {
  constructor(
    readonly untrusted: Bytes,
    public position: number,
    private readonly end: number = untrusted.length,
  ) {}

  /** Read the next token; one that is longer than `maxBytes` is bad, and is not read to its end. */
  read(maxBytes: number = Infinity): SyntaxToken {
    const data = this.untrusted;
    const start = this.#skipSpace();
    if (start >= this.end) return this.#make("end", "", start, start);
    const first = data[start] as number;
    if (CLASSES[first] === REGULAR) return this.#readWord(start, maxBytes);
    switch (first) {
      case SLASH:
        return this.#readName(start, maxBytes);
      case OPEN:
        return this.#readString(start, maxBytes);
      case LESS:
        if (this.#at(start + 1) === LESS) return this.#make("<<", "", start, start + 2);
        return this.#readHex(start, maxBytes);
      case GREATER:
        if (this.#at(start + 1) === GREATER) return this.#make(">>", "", start, start + 2);
        return this.#make("bad", "", start, start + 1);
      case CLOSE:
        return this.#make("bad", "", start, start + 1);
      default: {
        const mark = String.fromCharCode(first);
        return this.#make(mark === "[" || mark === "]" ? mark : "brace", "", start, start + 1);
      }
    }
  }

  /** Whether the next token is this word. */
  readsWord(word: string): boolean {
    const token = this.read();
    return token.kind === "word" && token.text === word;
  }

  #at(position: number): number {
    return position < this.end ? (this.untrusted[position] as number) : -1;
  }

  #make(kind: TokenKind, text: string, start: number, end: number): SyntaxToken {
    this.position = end;
    return { kind, text, start };
  }

  #skipSpace(): number {
    const data = this.untrusted;
    let at = this.position;
    while (at < this.end) {
      const code = data[at] as number;
      if (code === PERCENT) {
        while (at < this.end && data[at] !== NEW_LINE && data[at] !== RETURN) at++;
      } else if (CLASSES[code] !== SPACE) {
        break;
      } else {
        at++;
      }
    }
    return at;
  }

  #endRegular(start: number, maxBytes: number): number {
    const data = this.untrusted;
    const stop = Math.min(this.end, start + maxBytes);
    let end = start;
    while (end < stop && CLASSES[data[end] as number] === REGULAR) end++;
    return end;
  }

  #readWord(start: number, maxBytes: number): SyntaxToken {
    const end = this.#endRegular(start, maxBytes);
    if (this.#isCut(end, start, maxBytes)) return this.#make("bad", "", start, end);
    const text = this.#text(start, end);
    const first = this.untrusted[start] as number;
    if (first < 0x3a) {
      if (INTEGER.test(text)) return this.#make("integer", text, start, end);
      if (REAL.test(text)) return this.#make("real", text, start, end);
    }
    return this.#make(LITERALS.has(text) ? "literal" : "word", text, start, end);
  }

  #isCut(end: number, start: number, maxBytes: number): boolean {
    return end - start >= maxBytes && CLASSES[this.#at(end)] === REGULAR;
  }

  #readName(start: number, maxBytes: number): SyntaxToken {
    const end = this.#endRegular(start + 1, maxBytes);
    if (this.#isCut(end, start, maxBytes)) return this.#make("bad", "", start, end);
    const raw = this.#text(start + 1, end);
    if (!raw.includes("#")) return this.#make("name", raw, start, end);
    // A stray sign stays, as a zero: no other name has one.
    const name = unescapeName(raw, 0);
    return this.#make(/#00/.test(raw) ? "bad" : "name", name, start, end);
  }

  #readString(start: number, maxBytes: number): SyntaxToken {
    const data = this.untrusted;
    const stop = Math.min(this.end, start + maxBytes);
    let [depth, at, isPlain] = [1, start + 1, true];
    for (; at < stop; at++) {
      const code = data[at] as number;
      if (code === BACKSLASH) {
        isPlain = false;
        at++;
      } else if (code === RETURN) {
        isPlain = false;
      } else if (code === OPEN) {
        depth++;
      } else if (code === CLOSE && --depth === 0) {
        const raw = this.#text(start + 1, at);
        return this.#make("string", isPlain ? raw : unescapeString(raw), start, at + 1);
      }
    }
    return this.#make("bad", "", start, Math.min(at, stop));
  }

  #readHex(start: number, maxBytes: number): SyntaxToken {
    const data = this.untrusted;
    const stop = Math.min(this.end, start + maxBytes);
    for (let at = start + 1; at < stop; at++) {
      const code = data[at] as number;
      if (code === GREATER) {
        return this.#make("string", decodeHex(this.#text(start + 1, at)), start, at + 1);
      }
      const isKnown = CLASSES[code] === SPACE || hexDigit(code) >= 0;
      if (!isKnown) return this.#make("bad", "", start, at + 1);
    }
    return this.#make("bad", "", start, stop);
  }

  #text(start: number, end: number): string {
    const data = this.untrusted;
    if (end - start > SHORT_BYTES) return longText(data.subarray(start, end));
    let text = "";
    for (let at = start; at < end; at++) text += String.fromCharCode(data[at] as number);
    return text;
  }
}

/** Too much is broken, or a number that no program holds: what it stands in is null as a whole. */
class Unreadable extends Error {}

/** A bracket that is open. */
interface Frame {
  readonly entries: Map<string, PdfItem> | undefined; // of an array there are none
  readonly items: PdfItem[]; // of a dictionary, those that have no name
  key: string | undefined;
}

/** Reads one object. */
export class ObjectParser {
  #errorsLeft = MAX_ERRORS;
  #nearErrors = 0;
  #goodTokens = 0;

  /**
   * `id` is the object's, for what it is as a whole. In a file that is mended (`isMended`) what is
   * found may be no object: then less is forgiven. Strings may be coded (`decode`).
   */
  constructor(
    private readonly lexer: Lexer,
    private readonly objects: Objects,
    private readonly id: string = DIRECT,
    private readonly isMended: boolean = false,
    private readonly decode: ((text: string) => string) | undefined = undefined,
  ) {}

  parse(): ParsedObject {
    try {
      return this.#parse();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { value: null, isEmpty: false };
    }
  }

  #parse(): ParsedObject {
    const token = this.lexer.read();
    switch (token.kind) {
      case "[":
      case "<<":
        return { value: this.#parseBrackets(token.kind), isEmpty: false };
      case "word":
        if (token.text === "endobj") {
          this.lexer.position = token.start;
          return { value: null, isEmpty: true };
        }
        return { value: new PdfString(token.text), isEmpty: false };
      default:
        return { value: this.#readScalar(token), isEmpty: false };
    }
  }

  #parseBrackets(first: TokenKind): PdfItem {
    const stack = [open(first)];
    const integers: SyntaxToken[] = [];
    for (;;) {
      const frame = stack[stack.length - 1] as Frame;
      const token = this.lexer.read();
      this.#goodTokens++;
      if (token.kind === "integer") {
        if (integers.push(token) > 2) add(frame, readScalar(integers.shift() as SyntaxToken));
        continue;
      }
      if (integers.length === 2 && token.kind === "word" && token.text === "R") {
        add(frame, this.#refer(integers as [SyntaxToken, SyntaxToken]));
        integers.length = 0;
        continue;
      }
      for (const integer of integers) add(frame, readScalar(integer));
      integers.length = 0;
      switch (token.kind) {
        case "end":
          throw new Unreadable();
        case "[":
        case "<<":
          if (stack.length > MAX_DEPTH) throw new Unreadable();
          stack.push(open(token.kind));
          continue;
        case "]":
        case ">>": {
          if ((frame.entries === undefined) !== (token.kind === "]")) {
            if (this.isMended) throw new Unreadable();
            this.#addBroken(frame, null);
            continue;
          }
          stack.pop();
          const outer = stack[stack.length - 1];
          const value = this.#close(frame, outer === undefined ? this.id : DIRECT);
          if (outer === undefined) return value;
          add(outer, value);
          continue;
        }
        case "name":
          if (frame.entries !== undefined && frame.key === undefined) frame.key = token.text;
          else this.#addScalar(frame, new PdfName(token.text));
          continue;
        case "word":
          this.#addWord(frame, token.text);
          continue;
        case "bad":
        case "brace":
          this.#addBroken(frame, null);
          continue;
        default:
          this.#addScalar(frame, this.#readScalar(token));
      }
    }
  }

  #readScalar(token: SyntaxToken): PdfItem {
    if (token.kind !== "string" || this.decode === undefined) return readScalar(token);
    return new PdfString(this.decode(token.text));
  }

  #refer(integers: readonly [SyntaxToken, SyntaxToken]): PdfItem {
    const [number, generation] = [Number(integers[0].text), Number(integers[1].text)];
    if (number > MAX_NUMBER || generation > MAX_NUMBER) throw new Unreadable();
    const isPossible = number >= 1 && generation >= 0 && generation < MAX_GENERATION;
    return isPossible ? new PdfReference(number, generation, this.objects) : null;
  }

  #addWord(frame: Frame, word: string): void {
    // Here an object ends: its brackets were never closed.
    if (this.isMended && (word === "endobj" || word === "endstream")) throw new Unreadable();
    this.#addBroken(frame, this.isMended ? null : new PdfString(word));
  }

  #addBroken(frame: Frame, item: PdfItem): void {
    this.#noteError(frame);
    if (item === null) add(frame, item);
    else this.#addScalar(frame, item);
  }

  #addScalar(frame: Frame, item: PdfItem): void {
    if (this.#isTooLong(frame)) {
      this.#errorsLeft = 0;
      this.#noteError(frame);
    }
    add(frame, item);
  }

  #isTooLong({ items, entries }: Frame): boolean {
    const isBounded = this.isMended || this.#nearErrors > 0;
    return isBounded && Math.max(items.length, entries?.size ?? 0) > MAX_BROKEN_ITEMS;
  }

  #noteError(frame: Frame): void {
    if (this.#nearErrors > 0 && this.#isTooLong(frame)) throw new Unreadable();
    const isNear = this.#goodTokens <= GOOD_TOKENS;
    this.#goodTokens = 0;
    if (this.#errorsLeft > 0 && --this.#errorsLeft > 0 && !isNear) {
      this.#nearErrors = 1;
      return;
    }
    const hasTooMany = frame.entries !== undefined && this.#errorsLeft < frame.items.length;
    if (++this.#nearErrors > MAX_NEAR_ERRORS || hasTooMany) throw new Unreadable();
  }

  #close({ entries, items, key }: Frame, id: string): PdfArray | PdfDictionary {
    if (entries === undefined) return new PdfArray(items, id);
    if (key !== undefined) entries.set(key, null);
    let number = 1;
    for (const item of this.isMended ? [] : items) {
      while (entries.has(`QPDFFake${number}`)) number++;
      entries.set(`QPDFFake${number++}`, item);
    }
    return new PdfDictionary(entries, id);
  }
}

function add(frame: Frame, item: PdfItem): void {
  if (frame.entries === undefined || frame.key === undefined) {
    frame.items.push(item);
  } else {
    frame.entries.set(frame.key, item);
    frame.key = undefined;
  }
}

function open(kind: TokenKind): Frame {
  const entries = kind === "<<" ? new Map<string, PdfItem>() : undefined;
  return { entries, items: [], key: undefined };
}

/** Numbers, literals and strings; null for all that is no value. */
function readScalar(token: SyntaxToken): PdfItem {
  switch (token.kind) {
    case "integer":
      return new PdfNumber(spellInteger(token.text), true);
    case "real":
      return new PdfNumber(spellReal(token.text), false);
    case "literal":
      return LITERALS.get(token.text) ?? null;
    case "name":
      return new PdfName(token.text);
    case "string":
      return new PdfString(token.text);
    default:
      return null;
  }
}

function spellInteger(text: string): string {
  const digits = text.replace(/^[+-]?0*(?=[0-9])/, "");
  if (digits.length > SAFE_DIGITS && BigInt(digits) > MAX_INTEGER) throw new Unreadable();
  return text.startsWith("-") && digits !== "0" ? `-${digits}` : digits;
}

function spellReal(text: string): string {
  const [whole, fraction] = text.replace(/^[+-]/, "").split(".") as [string, string];
  const spelling = whole.replace(/^0+/, "") || "0";
  const sign = text.startsWith("-") ? "-" : "";
  return fraction === "" ? `${sign}${spelling}` : `${sign}${spelling}.${fraction}`;
}
