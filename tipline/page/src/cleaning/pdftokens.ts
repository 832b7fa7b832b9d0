// The words of PDF's own language, as they stand in what draws a page, in CMaps and in functions.
//
// A comment is white space, so nothing of it is in any token. A number stays as it is written, if it
// is one: of what only looks like one, a date, that stays which viewers read first. A string has one
// spelling, whatever it had. No token is larger than what it is read from. Texts have one character
// for each byte.

import type { Bytes } from "./bytes.js";
import { decodeHex, longText, unescapeName, unescapeString } from "./pdfescapes.js";
import type { Budget } from "./pdffilters.js";

export const TOKEN_BYTES = 16; // so a file has at most four million

/** What a token is. Marks are brackets of any sort. */
export type TokenKind = "word" | "number" | "name" | "string" | "mark";

/** A token; a name and a string are without what encloses them, decoded. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const REGULAR = 0;
const SPACE = 1;
const DELIMITER = 2;
const CLASSES = new Uint8Array(256);
for (const code of [0, 9, 10, 12, 13, 32]) CLASSES[code] = SPACE;
for (const mark of "()<>[]{}/%") CLASSES[mark.charCodeAt(0)] = DELIMITER;

const [NEW_LINE, RETURN, PERCENT, OPEN, CLOSE, SLASH, LESS, GREATER, BACKSLASH] = [
  0x0a, 0x0d, 0x25, 0x28, 0x29, 0x2f, 0x3c, 0x3e, 0x5c,
];

const NUMBER = /^[+\-.0-9]*[0-9][+\-.0-9]*$/;
// Programs write up to twenty digits behind a point.
const PLAIN_NUMBER = /^[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})$/;
const NUMBER_PARTS = /^[+-]*([0-9]*)(?:\.([0-9]*))?/;
const WHOLE_DIGITS = 15;
const DIGITS = 20;
const HEX = /<[0-9A-Fa-f\0\t\n\f\r ]*>/y;
const BRACKET = /\\[^]|[()]/g;
// Most need nothing: without a compiler, replacing nothing takes ten times as long as looking.
const PLAIN_NAME = /^[!"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]*$/;
const ESCAPED = /[\\()\r]/;

/** Reads tokens one by one; each takes as long as `TOKEN_BYTES` that are only decoded. */
export class Tokens {
  readonly text: string;
  position = 0;

  constructor(
    readonly untrusted: Bytes,
    private readonly budget: Budget,
  ) {
    this.text = longText(untrusted);
  }

  /** Read the next token; undefined at the end. */
  read(): Token | undefined {
    this.budget.spend(TOKEN_BYTES);
    const start = this.#skipSpace();
    if (start >= this.untrusted.length) {
      this.position = start;
      return undefined;
    }
    const first = this.untrusted[start] as number;
    if (CLASSES[first] === REGULAR) {
      return readWord(first, this.#readRegular(start, start));
    }
    if (first === SLASH) {
      return { kind: "name", text: unescapeName(this.#readRegular(start + 1, start + 1)) };
    }
    if (first === OPEN) return { kind: "string", text: this.#readString(start + 1) };
    if (first === LESS) {
      HEX.lastIndex = start;
      const found = HEX.exec(this.text)?.[0];
      if (found !== undefined) {
        this.position = start + found.length;
        return { kind: "string", text: decodeHex(found) };
      }
    }
    const isDouble = (first === LESS || first === GREATER) && this.untrusted[start + 1] === first;
    this.position = start + (isDouble ? 2 : 1);
    return { kind: "mark", text: this.text.slice(start, this.position) };
  }

  #skipSpace(): number {
    const data = this.untrusted;
    let at = this.position;
    for (; at < data.length; at++) {
      const code = data[at] as number;
      if (code === PERCENT) {
        while (at + 1 < data.length && data[at + 1] !== NEW_LINE && data[at + 1] !== RETURN) at++;
      } else if (CLASSES[code] !== SPACE) {
        break;
      }
    }
    return at;
  }

  #readRegular(start: number, from: number): string {
    const data = this.untrusted;
    let end = start;
    while (end < data.length && CLASSES[data[end] as number] === REGULAR) end++;
    this.position = end;
    return this.text.slice(from, end);
  }

  /** Read a string; if it has no end, up to the end of all. */
  #readString(start: number): string {
    // Most have neither brackets nor escapes. What is looked through is passed below, too.
    const end = this.text.indexOf(")", start);
    const raw = this.text.slice(start, end < 0 ? start : end);
    if (end >= 0 && !raw.includes("(") && !raw.includes("\\")) {
      this.position = end + 1;
      return unescapeString(raw);
    }
    const data = this.untrusted;
    let at = start;
    for (; at < data.length; at++) {
      const code = data[at] as number;
      if (code === BACKSLASH) at++;
      else if (code === OPEN || code === CLOSE) break;
    }
    if (at < data.length && data[at] === CLOSE) {
      this.position = at + 1;
      return unescapeString(this.text.slice(start, at));
    }
    return this.#readNested(start);
  }

  #readNested(start: number): string {
    let depth = 1;
    BRACKET.lastIndex = start;
    for (let match = BRACKET.exec(this.text); match !== null; match = BRACKET.exec(this.text)) {
      this.budget.spend(TOKEN_BYTES);
      depth += match[0] === "(" ? 1 : match[0] === ")" ? -1 : 0;
      if (depth === 0) {
        this.position = BRACKET.lastIndex;
        return unescapeString(this.text.slice(start, match.index));
      }
    }
    this.position = this.text.length;
    return unescapeString(this.text.slice(start));
  }
}

/**
 * Encode a name, in one of its many spellings, with its slash. A zero stands for a `#` that is no
 * escape, as qpdf reads it.
 */
export function encodeName(name: string): string {
  if (PLAIN_NAME.test(name)) return `/${name}`;
  const escaped = name
    .replaceAll("\0", "#")
    .replace(/[^!"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]/g, (character) => `#${encodeHex(character)}`);
  return `/${escaped}`;
}

/** Encode a string, in one of its many spellings, with its brackets. */
export function encodeString(text: string): string {
  if (!ESCAPED.test(text)) return `(${text})`;
  return `(${text.replace(/[\\()]/g, "\\$&").replaceAll("\r", "\\r")})`;
}

/** Two digits for each byte. */
export function encodeHex(text: string): string {
  let digits = "";
  for (let i = 0; i < text.length; i++) {
    digits += text.charCodeAt(i).toString(16).padStart(2, "0");
  }
  return digits;
}

function readWord(first: number, text: string): Token {
  // Most words begin with a letter, and no number does.
  if (first >= 0x3a) return { kind: "word", text };
  if (PLAIN_NUMBER.test(text)) return { kind: "number", text };
  if (!NUMBER.test(text)) return { kind: "word", text };
  const [, whole = "", rest] = NUMBER_PARTS.exec(text) ?? [];
  if (whole.length > WHOLE_DIGITS) return { kind: "number", text: "0" }; // no page is as large
  const number = whole + (rest === undefined ? "" : `.${rest.slice(0, DIGITS)}`);
  const sign = text.startsWith("-") ? "-" : "";
  return { kind: "number", text: number === "" || number === "." ? "0" : sign + number };
}
