// Fonts inside a PDF: what draws a letter stays, what tells of the font's making goes.
//
// 1. TrueType and OpenType: the tables of `pdf.json` stay, each once; names, notes of editors,
//    signatures and the days of making go. The table of tables is written anew.
// 2. Type 1: comments and the texts of the head become blanks of the same length, since what follows
//    is found by lengths. The encrypted part stays as it is.
// 3. Compact fonts (CFF): `pdfcompact.ts`.
//
// The names of fonts and of glyphs stay: where a font is not embedded, or a letter is looked for,
// they are needed.

import {
  bigEndian,
  type Bytes,
  encodeBigEndian,
  join,
  latin1,
  startsWith,
  textOf,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { cleanCompact, EQUAL_TAG } from "./pdfcompact.js";
import { PDF_RULES } from "./pdfrules.js";
import { findWord } from "./pdfsearch.js";
import { longText } from "./pdfescapes.js";

const MAX_TABLES = 256; // of one font; about fifteen are common
const TABLES: ReadonlySet<string> = new Set(PDF_RULES.tables);
const SIGNATURES = ["\0\x01\0\0", "true", "OTTO"];
const ENTRY_BYTES = 16;
const HEAD_BYTES = 54;
const OS2_BYTES = 64;

// Behind these stands a text or a number that no drawing needs.
const TYPE1_KEY =
  /\/(?:version|Notice|Copyright|FullName|FamilyName|Weight|BaseFontName|UniqueID|XUID)(?![0-9A-Za-z_])[\t-\r ]*/g;
const TYPE1_NUMBERS = /\[[0-9\t-\r ]*\]|[0-9]+/y;
const FIRST_LINE = "%!PS-AdobeFont-1.0";

/** Clean a font of tables: the tables that draw, and nothing between them. */
export function cleanTruetype(untrusted: Bytes): Bytes {
  if (!SIGNATURES.some((signature) => startsWith(untrusted, signature))) {
    throw new CleaningRefusal("malformed");
  }
  const count = bigEndian(untrusted, 4, 2);
  if (count > MAX_TABLES) throw new CleaningRefusal("too-complex");
  const tables = new Map<string, Bytes>();
  for (let at = 12; at < 12 + ENTRY_BYTES * count; at += ENTRY_BYTES) {
    const name = textOf(untrusted.subarray(at, at + 4));
    if (!TABLES.has(name) || tables.has(name)) continue;
    const [offset, length] = [bigEndian(untrusted, at + 8, 4), bigEndian(untrusted, at + 12, 4)];
    // A table that ends beyond the end is cut there by whoever draws it.
    tables.set(name, cleanTable(name, untrusted.subarray(offset, offset + length)));
  }
  return writeTables(untrusted.subarray(0, 4), tables);
}

function cleanTable(name: string, content: Bytes): Bytes {
  if (name === "CFF ") return cleanCompact(content);
  const cleaned = content.slice();
  if (name === "head" && content.length >= HEAD_BYTES) {
    // The revision, the sum over all, and the days it was made and changed.
    cleaned.fill(0, 4, 12).fill(0, 20, 36);
    return cleaned.subarray(0, HEAD_BYTES);
  }
  if (name === "OS/2" && content.length >= OS2_BYTES) cleaned.fill(0x20, 58, 62); // the foundry
  return cleaned;
}

function writeTables(version: Bytes, tables: ReadonlyMap<string, Bytes>): Bytes {
  const count = tables.size;
  const exponent = 31 - Math.clz32(Math.max(count, 1));
  const head = [
    version,
    ...[count, 16 << exponent, exponent, Math.max(0, 16 * count - (16 << exponent))].map((number) =>
      encodeBigEndian(number, 2),
    ),
  ];
  const body: Bytes[] = [];
  let offset = 12 + ENTRY_BYTES * count;
  const names = [...tables.keys()].sort((one, other) => (one < other ? -1 : 1));
  for (const name of names) {
    const content = tables.get(name) as Bytes;
    const padded = new Uint8Array(Math.ceil(content.length / 4) * 4);
    padded.set(content);
    const place = join(encodeBigEndian(offset, 4), encodeBigEndian(content.length, 4));
    head.push(join(name, encodeBigEndian(sumWords(padded), 4), place));
    body.push(padded);
    offset += padded.length;
  }
  return join(...head, ...body);
}

function sumWords(padded: Bytes): number {
  const view = new DataView(padded.buffer);
  let total = 0;
  for (let at = 0; at < padded.length; at += 4) total = (total + view.getUint32(at)) >>> 0;
  return total;
}

/** Clean a Type 1 font: it stays as long as before; letters before its name are equal for all. */
export function cleanType1(untrusted: Bytes): Bytes {
  if (!startsWith(untrusted, "%!")) throw new CleaningRefusal("malformed");
  const end = findWord(untrusted, "eexec", 0);
  const head = longText(end < 0 ? untrusted : untrusted.subarray(0, end));
  const length = /^[^\r\n]*/.exec(head)?.[0].length ?? 0;
  const line = FIRST_LINE.slice(0, length).padEnd(length);
  const rest = head.slice(length).replace(/%[^\r\n]*/g, (comment) => " ".repeat(comment.length));
  const cleaned = blankTexts(line + rest).replace(/\/[A-Z]{6}\+/g, `/${EQUAL_TAG}`);
  return join(latin1(cleaned), untrusted.subarray(cleaned.length));
}

/** Leave the brackets of texts, and zeros in the place of a number. */
function blankTexts(head: string): string {
  const parts: string[] = [];
  let at = 0;
  TYPE1_KEY.lastIndex = 0;
  for (let key = TYPE1_KEY.exec(head); key !== null; key = TYPE1_KEY.exec(head)) {
    const start = TYPE1_KEY.lastIndex;
    const value = readValue(head, start);
    const blanks = value.slice(1, -1).replace(/[^]/g, " ");
    const written = /^[0-9]/.test(value)
      ? "0".repeat(value.length)
      : value.slice(0, 1) + blanks + value.slice(-1);
    if (value === "") continue;
    parts.push(head.slice(at, start), written);
    at = TYPE1_KEY.lastIndex = start + value.length;
  }
  return parts.join("") + head.slice(at);
}

/** A text, which may have texts inside that have none, numbers, or a number; empty if it is none. */
function readValue(head: string, start: number): string {
  if (head[start] !== "(") {
    TYPE1_NUMBERS.lastIndex = start;
    return TYPE1_NUMBERS.exec(head)?.[0] ?? "";
  }
  for (let at = start + 1; at < head.length; at++) {
    const character = head[at];
    if (character === ")") return head.slice(start, at + 1);
    if (character === "\\") {
      at++;
    } else if (character === "(") {
      // What is inside ends with the next bracket, and begins no other.
      at++;
      while (at < head.length && head[at] !== "(" && head[at] !== ")") at++;
      if (head[at] !== ")") return "";
    }
  }
  return "";
}

export { cleanCompact } from "./pdfcompact.js";
