// XML 1.0, as far as documents use it: read strictly, written in one way.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/markup.py keeps them in
// Python. A worker has no parser of the browser's own.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

export const MAX_ELEMENTS = 1_000_000; // of all parts of a document
const MAX_DEPTH = 256; // Word nests a few dozen
const MAX_ATTRIBUTES = 256;

export const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

const NAME = "[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?";
const START = new RegExp(`<(${NAME})`, "y");
const ATTRIBUTE = new RegExp(
  `[ \\t\\n]+(${NAME})[ \\t\\n]*=[ \\t\\n]*(?:"([^<"]*)"|'([^<']*)')`,
  "y",
);
const START_END = /[ \t\n]*(\/?)>/y;
const END = new RegExp(`</(${NAME})[ \\t\\n]*>`, "y");
const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&/g;
const NAMED = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);
// eslint-disable-next-line no-control-regex -- what no XML may hold
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const ENCODING = /^<\?xml[^>]*[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']/;
const ENCODINGS: ReadonlySet<string> = new Set(["utf-8", "utf8", "utf-16", "us-ascii", "ascii"]);
// eslint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;
const OTHERS = [
  ["<![CDATA[", "]]>"],
  ["<!--", "-->"],
  ["<?", "?>"],
] as const;

export type Attributes = ReadonlyMap<string, string>;

/** An element that begins. */
export interface Start {
  readonly name: string;
  readonly attributes: Attributes;
}

/** An element that begins, text, or an element that ends (undefined). */
export type MarkupEvent = Start | string | undefined;

/** Decode XML; ends of lines are as XML has them. */
export function decodeMarkup(untrusted: Bytes): string {
  const mark = (untrusted[0] ?? 0) * 256 + (untrusted[1] ?? 0);
  const encoding = mark === 0xfffe ? "utf-16le" : mark === 0xfeff ? "utf-16be" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(untrusted);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CleaningRefusal("malformed");
  }
  const declared = ENCODING.exec(text)?.[1]?.toLowerCase();
  if (declared !== undefined && !ENCODINGS.has(declared) && !ASCII.test(text)) {
    throw new CleaningRefusal("unsupported");
  }
  if (FORBIDDEN.test(text)) throw new CleaningRefusal("malformed");
  return text.includes("\r") ? text.replaceAll("\r\n", "\n").replaceAll("\r", "\n") : text;
}

/** Whether there is anything but what stands between tags for the eye. */
export function isBlank(text: string): boolean {
  return /^[ \t\n]*$/.test(text);
}

/** Read XML: what begins, stands there and ends, in order. */
export function readMarkup(untrusted: string): Generator<MarkupEvent> {
  return new Reader(untrusted).read();
}

class Reader {
  #position = 0;
  readonly #open: string[] = [];
  #isBegun = false;

  constructor(private readonly text: string) {}

  *read(): Generator<MarkupEvent> {
    const { text } = this;
    while (this.#position < text.length) {
      if (text[this.#position] !== "<") {
        const stop = text.indexOf("<", this.#position);
        const found = decodeText(text.slice(this.#position, stop >= 0 ? stop : text.length));
        this.#position = stop >= 0 ? stop : text.length;
        if (this.#open.length > 0) yield found;
        else if (!isBlank(found)) throw new CleaningRefusal("malformed");
        continue;
      }
      const started = this.#match(START);
      if (started !== null) {
        yield* this.#readStart(started[1] as string);
        continue;
      }
      const ended = this.#match(END);
      if (ended !== null) {
        if (this.#open.pop() !== ended[1]) throw new CleaningRefusal("malformed");
        yield undefined;
      } else {
        yield* this.#readOther();
      }
    }
    if (this.#open.length > 0) throw new CleaningRefusal("truncated");
    if (!this.#isBegun) throw new CleaningRefusal("malformed");
  }

  /** Match here, and go behind it. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.text);
    if (found !== null) this.#position = pattern.lastIndex;
    return found;
  }

  *#readStart(name: string): Generator<MarkupEvent> {
    if (this.#isBegun && this.#open.length === 0) throw new CleaningRefusal("malformed");
    this.#isBegun = true;
    const attributes = this.#readAttributes();
    const stop = this.#match(START_END);
    if (stop === null) throw new CleaningRefusal("malformed");
    yield { name, attributes };
    if (stop[1] === "/") {
      yield undefined;
      return;
    }
    this.#open.push(name);
    if (this.#open.length > MAX_DEPTH) throw new CleaningRefusal("too-complex");
  }

  #readAttributes(): Attributes {
    const attributes = new Map<string, string>();
    for (let found = this.#match(ATTRIBUTE); found !== null; found = this.#match(ATTRIBUTE)) {
      const name = found[1] as string;
      if (attributes.has(name) || attributes.size >= MAX_ATTRIBUTES) {
        throw new CleaningRefusal("malformed");
      }
      const value = found[2] ?? found[3] ?? "";
      attributes.set(name, decodeText(value.replace(/[\n\t]/g, " ")));
    }
    return attributes;
  }

  /** Pass what is neither element nor text, but for text that is marked as such. */
  *#readOther(): Generator<MarkupEvent> {
    const start = this.#position;
    for (const [mark, end] of OTHERS) {
      if (!this.text.startsWith(mark, start)) continue;
      const stop = this.text.indexOf(end, start + mark.length);
      if (stop < 0) throw new CleaningRefusal("truncated");
      this.#position = stop + end.length;
      if (end === "]]>") {
        if (this.#open.length === 0) throw new CleaningRefusal("malformed");
        yield this.text.slice(start + mark.length, stop);
      }
      return;
    }
    throw new CleaningRefusal("malformed");
  }
}

/** Write the beginning of an element, to be followed by `>` or `/>`. */
export function writeStart(
  name: string,
  attributes: readonly (readonly [string, string])[],
): string {
  let written = `<${name}`;
  for (const [key, value] of attributes) written += ` ${key}="${encodeValue(value)}"`;
  return written;
}

/** Write text that stands between tags. */
export function encodeText(text: string): string {
  if (!/[&<>\r]/.test(text)) return text;
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replaceAll("\r", "&#13;");
}

function encodeValue(value: string): string {
  if (!/[&<>"\t\n\r]/.test(value)) return value;
  const text = encodeText(value).replaceAll('"', "&quot;");
  return text.replaceAll("\t", "&#9;").replaceAll("\n", "&#10;");
}

function decodeText(text: string): string {
  return text.includes("&") ? text.replace(REFERENCE, decodeReference) : text;
}

function decodeReference(_: string, named?: string, decimal?: string, hex?: string): string {
  if (named !== undefined) return NAMED.get(named) as string;
  if (decimal === undefined && hex === undefined) throw new CleaningRefusal("malformed");
  const number = decimal !== undefined ? parseInt(decimal, 10) : parseInt(hex as string, 16);
  if (number > 0x10ffff || (0xd800 <= number && number < 0xe000)) {
    throw new CleaningRefusal("malformed");
  }
  const character = String.fromCodePoint(number);
  if (FORBIDDEN.test(character)) throw new CleaningRefusal("malformed");
  return character;
}
