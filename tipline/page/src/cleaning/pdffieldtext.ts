// A text as it is drawn into a field of a form: its font and size, its lines, and the line that was
// chosen. As qpdf draws it, to the last digit.

import type { Budget } from "./pdffilters.js";
import { formatDecimal, type Rectangle } from "./pdfmatrix.js";
import type { PdfDictionary } from "./pdfobjects.js";
import { encodeMacRoman, encodeText, encodeWindows } from "./pdftext.js";
import { encodeString, Tokens } from "./pdftokens.js";
import { latin1 } from "./bytes.js";
import { readName } from "./pdfvalues.js";

const USUAL_SIZE = 11; // of letters, if a field names none that is sensible
const [LEAST_SIZE, MOST_SIZE] = [1, 1000];
const SIZE_STEP = 0.001;
const LINE_HEIGHT = 1.2; // of the size of its letters
const INDENT = 1;
const DIGITS = 6; // behind the point of a number that is reckoned
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/;
const SPACE = /(?:[\0\t-\r ]+|%[^\r\n]*)*/y;

/** What stands in a field. */
export interface FieldText {
  /** Its font and its colour, in the words of what draws a page. */
  readonly look: string;
  readonly value: string;
  /** Those that are shown, if all of them are. */
  readonly choices: readonly string[];
  findFont(name: string): PdfDictionary | undefined;
}

interface Look {
  readonly words: string;
  readonly size: number;
  readonly font: string;
}

/** Draw the text of a field into its box. */
export function drawValue(text: FieldText, box: Rectangle, budget: Budget): string {
  const look = readLook(text.look, budget);
  const font = look.font === "" ? undefined : text.findFont(look.font);
  const encode = findEncoder(readName(font?.get("Encoding")));
  const [left, lower, right, upper] = box;
  const height = LINE_HEIGHT * look.size;
  const rows = Math.max(0, Math.trunc((upper - lower) / height));
  const { lines, chosen } = listLines(encode(text.value), text.choices.map(encode), rows);
  let y = upper - (upper - lower - lines.length * height) / 2;
  const parts: string[] = [];
  if (chosen !== undefined) {
    const sides = [left, lower + y - height * (chosen + 1), right - left, height];
    parts.push(`q\n0.85 0.85 0.85 rg\n${sides.map(format).join(" ")} re f\nQ\n`);
  }
  y -= look.size;
  parts.push(`q\nBT\n${look.words}\n`);
  lines.forEach((line, i) => {
    const place = i === 0 ? [left + INDENT, lower + y] : [0, -height];
    parts.push(`${place.map(format).join(" ")} Td\n${encodeString(line)} Tj\n`);
  });
  parts.push("ET\nQ\nEMC");
  return parts.join("");
}

/** Put what is drawn in the place of what was drawn there before: between BMC and EMC. */
export function placeAppearance(before: string, drawn: string, budget: Budget): string {
  const tokens = new Tokens(latin1(before), budget);
  let start: number | undefined;
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    if (token.kind !== "word") continue;
    if (start === undefined && token.text === "BMC") {
      SPACE.lastIndex = tokens.position;
      start = tokens.position + (SPACE.exec(before) as RegExpExecArray)[0].length;
    } else if (start !== undefined && token.text === "EMC") {
      return before.slice(0, start) + drawn + before.slice(tokens.position);
    }
  }
  return `${before.slice(0, start)}/Tx BMC\n${drawn}`;
}

/** Read the font and the size that a field names. */
function readLook(untrusted: string, budget: Budget): Look {
  const tokens = new Tokens(latin1(untrusted), budget);
  let [size, font, name] = [USUAL_SIZE, "", ""];
  let number: { readonly spelling: string; readonly end: number } | undefined;
  let sizeAt: typeof number;
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    if (token.kind === "name") {
      name = token.text;
    } else if (token.kind === "number" && NUMBER.test(token.text)) {
      number = { spelling: token.text, end: tokens.position };
    } else if (token.kind === "word" && token.text === "Tf") {
      const given = Number(number?.spelling ?? 0);
      if (given > LEAST_SIZE && given < MOST_SIZE) size = given;
      sizeAt = number;
      font = name;
    }
  }
  if (sizeAt === undefined || Math.abs(Number(sizeAt.spelling) - size) <= SIZE_STEP) {
    return { words: untrusted, size, font };
  }
  const { spelling, end } = sizeAt;
  const start = end - spelling.length;
  return { words: untrusted.slice(0, start) + format(size) + untrusted.slice(end), size, font };
}

function findEncoder(encoding: string): (text: string) => string {
  if (encoding === "WinAnsiEncoding") return encodeWindows;
  return encoding === "MacRomanEncoding" ? encodeMacRoman : encodeText;
}

/** The lines that are shown, and which of them was chosen. */
function listLines(
  value: string,
  choices: readonly string[],
  rows: number,
): { readonly lines: readonly string[]; readonly chosen: number | undefined } {
  if (choices.length === 0 || rows < 2) return { lines: [value], chosen: undefined };
  const found = choices.indexOf(value);
  if (found < 0) return { lines: [value, ...choices.slice(0, rows - 1)], chosen: 0 };
  // The one that was chosen is the second line, unless the list begins or ends there.
  let [first, last] = [found - 1, found + rows - 2];
  if (first < 0) [first, last] = [0, last - first];
  if (last >= choices.length) {
    const over = last - choices.length + 1;
    [first, last] = [Math.max(0, first - over), last - over];
  }
  return { lines: choices.slice(first, last + 1), chosen: found - first };
}

function format(number: number): string {
  return formatDecimal(number, DIGITS);
}
