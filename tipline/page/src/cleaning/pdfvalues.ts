// The values of a PDF that are no parts of their own: numbers, true and false, and names from lists.
//
// Texts are none of them. tipline/cleaning/pdf_values.py keeps the same rules in Python.

import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import { PdfArray, PdfName, PdfNumber, type PdfValue } from "./pdfobjects.js";
import { PDF_RULES } from "./pdfrules.js";
import { countOf, listOf } from "./pdfstreams.js";
import { TOKEN_BYTES } from "./pdftokens.js";

export const MAX_DEPTH = 8; // of arrays of numbers, and of colours made of colours

const BLEND_MODES: ReadonlySet<string> = new Set(PDF_RULES.blend_modes);
const BITS = 64;
const LONGEST = 19; // digits that may be more than 64 bits
const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?$/;

export type Found = PdfValue | undefined;

/** Copy a number, without an exponent; undefined if it is none. */
export function copyNumber(value: Found, budget: Budget): string | undefined {
  budget.spend(TOKEN_BYTES);
  return formatNumber(value);
}

/** Copy an array of numbers, or of arrays of them, with 0 for what is no number. */
export function copyNumbers(value: Found, budget: Budget, depth = 0): string | undefined {
  if (!(value instanceof PdfArray)) return depth > 0 ? copyNumber(value, budget) : undefined;
  // Arrays may lie in themselves.
  if (depth > MAX_DEPTH) throw new CleaningRefusal("too-complex");
  const parts = value.values().map((part) => copyNumbers(part, budget, depth + 1) ?? "0");
  budget.spend(TOKEN_BYTES);
  return `[${parts.join(" ")}]`;
}

/** Copy a rectangle: its four numbers. */
export function copyBox(value: Found, budget: Budget): string | undefined {
  if (countOf(value) !== 4) return undefined;
  const isBox = listOf(value).every((part) => formatNumber(part) !== undefined);
  return isBox ? copyNumbers(value, budget) : undefined;
}

/** Copy a truth value. */
export function copyBoolean(value: Found): string | undefined {
  return typeof value === "boolean" ? String(value) : undefined;
}

/** Copy an array of truth values, with false for what is none. */
export function copyBooleans(value: Found, budget: Budget): string {
  const parts = readList(value, budget).map((part) => copyBoolean(part) ?? "false");
  return `[${parts.join(" ")}]`;
}

/** Copy a name that is one of a few, which stand apart by spaces. */
export function copyChoice(value: Found, choices: string): string | undefined {
  const name = readName(value);
  return name !== "" && choices.split(" ").includes(name) ? `/${name}` : undefined;
}

/** Copy a way of blending: a name, or the first known of some. */
export function copyBlending(value: Found, budget: Budget): string | undefined {
  const name = readList(value, budget)
    .map(readName)
    .find((one) => BLEND_MODES.has(one));
  return name === undefined ? undefined : `/${name}`;
}

/** What may be one or many, where many parts of a file may have it: it costs as it is long. */
export function readList(value: Found, budget: Budget): PdfValue[] {
  budget.spend(TOKEN_BYTES * countOf(value));
  return listOf(value);
}

/** A name without its slash; empty if it is none. */
export function readName(value: Found): string {
  return value instanceof PdfName ? value.name : "";
}

/** Write a number, always in the same spelling; undefined if it is none. */
export function formatNumber(value: Found): string | undefined {
  if (!(value instanceof PdfNumber)) return undefined;
  const found = DECIMAL.exec(value.spelling);
  if (found === null) return undefined;
  const sign = found[1] === "-" ? "-" : "";
  const whole = (found[2] as string).replace(/^0+(?=.)/, "") || "0";
  const digits = found[3] ?? "";
  if (value.isInteger && whole.length >= LONGEST) checkSize(sign + whole);
  // A whole number has no sign if it is zero; one with a point keeps it.
  if (value.isInteger) return whole === "0" ? "0" : sign + whole;
  return `${sign}${whole}${digits === "" ? "" : `.${digits}`}`;
}

/** Refuse a whole number of more than 64 bits, as qpdf does. */
function checkSize(whole: string): void {
  const number = BigInt(whole);
  if (BigInt.asIntN(BITS, number) !== number) throw new CleaningRefusal("malformed");
}
