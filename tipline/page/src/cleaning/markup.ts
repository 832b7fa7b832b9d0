// XML 1.0, as far as documents use it: read strictly, written in one way.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/markup.py keeps them in
// Python. A worker has no parser of the browser's own.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

export const MAX_ELEMENTS = 1_000_000; // of all parts of a document
export const MAX_ALL_ATTRIBUTES = 3_000_000; // likewise; a cell has two or three
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
const TAG = "<".charCodeAt(0);
const TAG_END = ">".charCodeAt(0);
const SLASH = "/".charCodeAt(0);
/** What stands before a value, in tags whose values stand in double quotes. */
const FIRST_NAMES = new RegExp(`^(${NAME})[ \\t\\n]+(${NAME})[ \\t\\n]*=[ \\t\\n]*$`);
const NEXT_NAME = new RegExp(`^[ \\t\\n]+(${NAME})[ \\t\\n]*=[ \\t\\n]*$`);
const BARE = new RegExp(`^(${NAME})[ \\t\\n]*(/?)$`);
const MAX_KNOWN = 4096; // tags that are remembered as they were written
const OTHERS = [
  ["<![CDATA[", "]]>"],
  ["<!--", "-->"],
  ["<?", "?>"],
] as const;

export type Attributes = ReadonlyMap<string, string>;

/** An element that begins; `declares` if an attribute may say what a prefix stands for. */
export interface Start {
  readonly name: string;
  readonly attributes: Attributes;
  readonly declares: boolean;
}

const NO_ATTRIBUTES: Attributes = new Map();

/** Names as they were read before, by how they were written: most tags are written many times. */
interface Known {
  readonly bare: Map<string, Start>;
  readonly first: Map<string, readonly [name: string, attribute: string]>;
  readonly next: Map<string, string>;
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
  return new MarkupReader(untrusted).readAll();
}

/** Reads XML as `readMarkup`, without what a generator costs where scripts are not compiled. */
export class MarkupReader {
  #position = 0;
  readonly #open: string[] = [];
  readonly #known: Known = { bare: new Map(), first: new Map(), next: new Map() };
  #isBegun = false;
  #isEmpty = false; // the element that began last ends at once

  constructor(private readonly text: string) {}

  /** All events. */
  *readAll(): Generator<MarkupEvent> {
    for (let event = this.next(); event !== null; event = this.next()) yield event;
  }

  /** The next event; null behind the last. */
  next(): MarkupEvent | null {
    if (this.#isEmpty) {
      this.#isEmpty = false;
      return undefined;
    }
    const { text } = this;
    const open = this.#open;
    if (open.length > MAX_DEPTH) throw new CleaningRefusal("too-complex");
    while (this.#position < text.length) {
      const start = this.#position;
      if (text.charCodeAt(start) !== TAG) {
        const stop = text.indexOf("<", start);
        const found = decodeText(text.slice(start, stop >= 0 ? stop : text.length));
        this.#position = stop >= 0 ? stop : text.length;
        if (open.length > 0) return found;
        if (!isBlank(found)) throw new CleaningRefusal("malformed");
        continue;
      }
      if (text.charCodeAt(start + 1) === SLASH) {
        this.#readEnd();
        open.pop();
        return undefined;
      }
      const started = this.#readPlainStart() ?? this.#readStart();
      if (started === undefined) {
        const found = this.#readOther();
        if (found !== undefined) return found;
        continue;
      }
      if (this.#isBegun && open.length === 0) throw new CleaningRefusal("malformed");
      this.#isBegun = true;
      this.#isEmpty = text.charCodeAt(this.#position - 2) === SLASH;
      if (this.#isEmpty) return started;
      open.push(started.name);
      return started;
    }
    if (open.length > 0) throw new CleaningRefusal("truncated");
    if (!this.#isBegun) throw new CleaningRefusal("malformed");
    return null;
  }

  /**
   * Pass what is written here in a way that a sticky pattern knows, between two events: whole
   * elements, with others in them that have none.
   */
  pass(pattern: RegExp): string | undefined {
    if (this.#isEmpty || this.#open.length + 2 > MAX_DEPTH) return undefined;
    return this.#match(pattern)?.[0];
  }

  /** Match here, and go behind it. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.text);
    if (found !== null) this.#position = pattern.lastIndex;
    return found;
  }

  /** Read the end of the element that is open. */
  #readEnd(): void {
    const name = this.#open.at(-1);
    const stop = this.#position + 2 + (name?.length ?? 0);
    if (name !== undefined && this.text.charCodeAt(stop) === TAG_END) {
      if (this.text.startsWith(name, this.#position + 2)) {
        this.#position = stop + 1;
        return;
      }
    }
    const ended = this.#match(END);
    if (ended === null || ended[1] !== name) throw new CleaningRefusal("malformed");
  }

  /** Read the start of an element, if it is written as most are: without looking at each sign. */
  #readPlainStart(): Start | undefined {
    const stop = this.text.indexOf(">", this.#position);
    if (stop < 0) return undefined;
    const written = this.text.slice(this.#position + 1, stop);
    const bare = this.#known.bare.get(written);
    if (bare !== undefined) {
      this.#position = stop + 1;
      return bare;
    }
    const parts = written.split('"');
    const isPlain = parts.length % 2 === 1 && !written.includes("'") && !written.includes("<");
    if (!isPlain) return undefined;
    const last = parts.length - 1;
    if (last === 0) {
      const name = BARE.exec(written)?.[1];
      if (name === undefined) return undefined;
      const started: Start = { name, attributes: NO_ATTRIBUTES, declares: false };
      remember(this.#known.bare, written, started);
      this.#position = stop + 1;
      return started;
    }
    if (parts[last] !== "" && parts[last] !== "/") return undefined;
    const names = this.#findFirst(parts[0] as string);
    if (names === undefined) return undefined;
    const isCoded = written.includes("&");
    const isBroken = written.includes("\n") || written.includes("\t");
    const attributes = new Map<string, string>();
    let declares = false;
    for (let i = 1; i < last; i += 2) {
      const name = i === 1 ? names[1] : this.#findNext(parts[i - 1] as string);
      if (name === undefined) return undefined;
      if (attributes.size >= MAX_ATTRIBUTES) throw new CleaningRefusal("malformed");
      let value = parts[i] as string;
      if (isBroken) value = value.replace(/[\n\t]/g, " ");
      attributes.set(name, isCoded ? decodeText(value) : value);
      if (name.startsWith("xmlns")) declares = true;
    }
    if (attributes.size !== last / 2) throw new CleaningRefusal("malformed");
    this.#position = stop + 1;
    return { name: names[0], attributes, declares };
  }

  #findFirst(written: string): readonly [string, string] | undefined {
    const known = this.#known.first.get(written);
    if (known !== undefined) return known;
    const found = FIRST_NAMES.exec(written);
    if (found === null) return undefined;
    const names = [found[1] as string, found[2] as string] as const;
    remember(this.#known.first, written, names);
    return names;
  }

  #findNext(written: string): string | undefined {
    const known = this.#known.next.get(written);
    if (known !== undefined) return known;
    const name = NEXT_NAME.exec(written)?.[1];
    if (name !== undefined) remember(this.#known.next, written, name);
    return name;
  }

  /** Read the start of an element, in whatever way it is written; undefined if it is none. */
  #readStart(): Start | undefined {
    const name = this.#match(START)?.[1];
    if (name === undefined) return undefined;
    const attributes = new Map<string, string>();
    let declares = false;
    for (let found = this.#match(ATTRIBUTE); found !== null; found = this.#match(ATTRIBUTE)) {
      const attribute = found[1] as string;
      if (attributes.has(attribute) || attributes.size >= MAX_ATTRIBUTES) {
        throw new CleaningRefusal("malformed");
      }
      const value = found[2] ?? found[3] ?? "";
      attributes.set(attribute, decodeText(value.replace(/[\n\t]/g, " ")));
      if (attribute.startsWith("xmlns")) declares = true;
    }
    if (this.#match(START_END) === null) throw new CleaningRefusal("malformed");
    return { name, attributes, declares };
  }

  /** Pass what is neither element nor text; return text that is marked as such. */
  #readOther(): string | undefined {
    const start = this.#position;
    for (const [mark, end] of OTHERS) {
      if (!this.text.startsWith(mark, start)) continue;
      const stop = this.text.indexOf(end, start + mark.length);
      if (stop < 0) throw new CleaningRefusal("truncated");
      this.#position = stop + end.length;
      if (end !== "]]>") return undefined;
      if (this.#open.length === 0) throw new CleaningRefusal("malformed");
      return this.text.slice(start + mark.length, stop);
    }
    throw new CleaningRefusal("malformed");
  }
}

function remember<Value>(known: Map<string, Value>, written: string, value: Value): void {
  if (known.size < MAX_KNOWN) known.set(written, value);
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
