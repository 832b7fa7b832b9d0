// Fonts inside a PDF: what draws a letter stays, what tells of the font's making goes.
//
// 1. TrueType and OpenType: the tables of `pdf.json` stay, each once; names, notes of editors,
//    signatures and the days of making go. The table of tables is written anew.
// 2. Type 1: comments and all texts of the head become blanks of the same length, since what follows
//    is found by lengths; so does what stands behind the end. The encrypted part stays as it is.
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
import { longText } from "./pdfescapes.js";
import type { Budget } from "./pdffilters.js";
import { PDF_RULES } from "./pdfrules.js";
import { TOKEN_BYTES } from "./pdftokens.js";

const MAX_TABLES = 256; // of one font; about fifteen are common
const TABLES: ReadonlySet<string> = new Set(PDF_RULES.tables);
const SIGNATURES = ["\0\x01\0\0", "true", "OTTO"];
const ENTRY_BYTES = 16;
const OS2_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 78],
  [1, 86],
  [5, 100],
]); // by its version, else 96
const TABLE_BYTES: ReadonlyMap<string, number> = new Map([
  ["head", 54],
  ["hhea", 36],
  ["vhea", 36],
]);

// Comments, texts, numbers of identity, names of fonts that were cut down, and the head's end.
const TYPE1_TOKEN =
  /%|\(|<<|<|\/(?:version|Notice|Copyright|FullName|FamilyName|Weight|BaseFontName|UniqueID|XUID)(?![0-9A-Za-z_])[\t-\r ]*(?:\[[0-9\t-\r ]*\]|[0-9]+)|\/[A-Z]{6}\+|eexec/g;
const TYPE1_NUMBERS = /\[[0-9\t-\r ]*\]$|[0-9]+$/;
const TYPE1_BRACKET = /\\[^]|[()]/g;
const TYPE1_END = "cleartomark";
// Before a word of its own.
const TYPE1_BREAKS = "\0\t\n\v\f\r ()<>[]{}%";
const FIRST_LINE = "%!PS-AdobeFont-1.0";
const BLANK = 0x20;

/**
 * Clean a font of tables: the tables that draw, and nothing between them. `budget` is spent on tables
 * that lie in each other: what comes out may be longer then.
 */
export function cleanTruetype(untrusted: Bytes, budget: Budget): Bytes {
  if (!SIGNATURES.some((signature) => startsWith(untrusted, signature))) {
    throw new CleaningRefusal("malformed");
  }
  const count = bigEndian(untrusted, 4, 2);
  if (count > MAX_TABLES) throw new CleaningRefusal("too-complex");
  const tables = new Map<string, Bytes>();
  let leftBytes = untrusted.length;
  for (let at = 12; at < 12 + ENTRY_BYTES * count; at += ENTRY_BYTES) {
    const name = textOf(untrusted.subarray(at, at + 4));
    if (!TABLES.has(name) || tables.has(name)) continue;
    const [offset, length] = [bigEndian(untrusted, at + 8, 4), bigEndian(untrusted, at + 12, 4)];
    // A table that ends beyond the end is cut there by whoever draws it.
    const content = untrusted.subarray(offset, offset + length);
    budget.spend(Math.max(0, content.length - leftBytes));
    leftBytes = Math.max(0, leftBytes - content.length);
    tables.set(name, cleanTable(name, content, budget));
  }
  return writeTables(untrusted.subarray(0, 4), tables);
}

function cleanTable(name: string, content: Bytes, budget: Budget): Bytes {
  if (name === "CFF ") return cleanCompact(content, budget);
  const cleaned = content.slice(0, measureTable(name, content));
  if (name === "head" && cleaned.length === TABLE_BYTES.get(name)) {
    // The revision, the sum over all, and the days it was made and changed.
    cleaned.fill(0, 4, 12).fill(0, 20, 36);
  }
  if (name === "OS/2" && cleaned.length >= 64) cleaned.fill(BLANK, 58, 62); // the foundry
  return cleaned;
}

/** What a table has by its format, where that is a matter of its first bytes. */
function measureTable(name: string, content: Bytes): number {
  const bytes = content.subarray(0, 4);
  const [first, second] = [bigEndian(bytes, 0, 2), bigEndian(bytes, 2, 2)];
  if (name === "OS/2") return OS2_BYTES.get(Math.min(first, 5)) ?? 96;
  if (name === "maxp") return first === 0 ? 6 : 32;
  if (name === "post" && (first === 1 || first === 3)) return 32;
  if (name === "gasp") return 4 + 4 * second;
  return TABLE_BYTES.get(name) ?? content.length;
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

/**
 * Clean a Type 1 font: it stays as long as before. Texts of the head and what stands behind the end
 * are blank, letters before its name equal for all. `budget` is spent on the words of the head.
 */
export function cleanType1(untrusted: Bytes, budget: Budget): Bytes {
  if (!startsWith(untrusted, "%!")) throw new CleaningRefusal("malformed");
  const data = untrusted.slice();
  const text = longText(untrusted);
  const first = findLineEnd(untrusted, 0);
  data.set(latin1(FIRST_LINE.slice(0, first).padEnd(first)));
  TYPE1_TOKEN.lastIndex = first;
  // Each byte is walked once: a text without an end refuses the font.
  for (let found = TYPE1_TOKEN.exec(text); found !== null; found = TYPE1_TOKEN.exec(text)) {
    const [token, start] = [found[0], found.index];
    if (token === "eexec") {
      if (start > 0 && !TYPE1_BREAKS.includes(text[start - 1] as string)) continue;
      budget.spend(TOKEN_BYTES);
      const end = text.indexOf(TYPE1_END, TYPE1_TOKEN.lastIndex);
      if (end >= 0) data.fill(BLANK, end + TYPE1_END.length);
      break;
    }
    budget.spend(TOKEN_BYTES);
    if (token.endsWith("+")) {
      data.set(latin1(EQUAL_TAG), start + 1);
    } else if (token.startsWith("/")) {
      blankNumbers(data, token, start);
    } else if (token !== "<<") {
      TYPE1_TOKEN.lastIndex = blankText(data, text, token, start, budget);
    }
  }
  return data;
}

/** Leave the brackets of numbers, and zeros in the place of one. */
function blankNumbers(data: Bytes, token: string, start: number): void {
  const end = start + token.length;
  const numbers = TYPE1_NUMBERS.exec(token)?.[0] ?? "";
  if (numbers.startsWith("[")) data.fill(BLANK, end - numbers.length + 1, end - 1);
  else data.fill(0x30, end - numbers.length, end);
}

/** Blank a comment, or what stands in brackets; give back its end. */
function blankText(
  data: Bytes,
  text: string,
  token: string,
  start: number,
  budget: Budget,
): number {
  if (token === "%") {
    const end = findLineEnd(data, start);
    data.fill(BLANK, start, end);
    return end;
  }
  const last = token === "(" ? findTextEnd(text, start + 1, budget) : text.indexOf(">", start);
  if (last < 0) throw new CleaningRefusal("malformed");
  data.fill(BLANK, start + 1, last);
  return last + 1;
}

function findLineEnd(data: Bytes, start: number): number {
  let end = start;
  while (end < data.length && data[end] !== 0x0a && data[end] !== 0x0d) end++;
  return end;
}

/** Where the bracket stands that ends a text; -1 if nowhere. */
function findTextEnd(text: string, start: number, budget: Budget): number {
  let depth = 1;
  TYPE1_BRACKET.lastIndex = start;
  for (let found = TYPE1_BRACKET.exec(text); found !== null; found = TYPE1_BRACKET.exec(text)) {
    budget.spend(TOKEN_BYTES);
    depth += found[0] === "(" ? 1 : found[0] === ")" ? -1 : 0;
    if (depth === 0) return found.index;
  }
  return -1;
}

export { cleanCompact } from "./pdfcompact.js";
