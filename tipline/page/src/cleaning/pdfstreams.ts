// What the dictionary of a stream says of its filters (ISO 32000-1, 7.3.8.2).

import { CleaningRefusal } from "./errors.js";
import { ABBREVIATIONS, type Filter, MAX_FILTERS } from "./pdffilters.js";
import {
  PdfArray,
  PdfDictionary,
  PdfName,
  PdfNumber,
  type PdfStream,
  type PdfValue,
} from "./pdfobjects.js";

const EXTERNAL = ["F", "FFilter", "FDecodeParms"];
// What a filter asks for that is undone here.
const PARAMETERS = ["Predictor", "Colors", "BitsPerComponent", "Columns", "EarlyChange"];

/** The filters of a stream, the first to be undone first. Data in another file is refused. */
export function readFilters(stream: PdfStream): Filter[] {
  if (EXTERNAL.some((key) => stream.has(key))) throw new CleaningRefusal("unsupported");
  const listed = stream.get("Filter");
  if (countOf(listed) > MAX_FILTERS) throw new CleaningRefusal("too-complex");
  const names = listOf(listed);
  const parameters = firstOf(stream.get("DecodeParms"), names.length);
  return names.map((name, i) => {
    const text = name instanceof PdfName ? name.name : "";
    if (text === "Crypt") throw new CleaningRefusal("unsupported");
    const long = ABBREVIATIONS.get(text) ?? text;
    return { name: long, parameters: readNumbers(parameters[i] ?? null) };
  });
}

/** How long `listOf` a value is, without looking at its parts. */
export function countOf(value: PdfValue | undefined): number {
  if (value instanceof PdfArray) return value.length;
  return value === undefined || value === null ? 0 : 1;
}

/** The first of what may be one or many, up to a count. */
export function firstOf(value: PdfValue | undefined, count: number): PdfValue[] {
  if (!(value instanceof PdfArray)) return listOf(value).slice(0, count);
  return Array.from({ length: Math.min(count, value.length) }, (_, i) => value.at(i));
}

/** What may be one or many, and is short or read once: an array's parts, itself, or nothing. */
export function listOf(value: PdfValue | undefined): PdfValue[] {
  if (value === undefined || value === null) return [];
  return value instanceof PdfArray ? value.values() : [value];
}

function readNumbers(value: PdfValue): Map<string, number> {
  const numbers = new Map<string, number>();
  if (!(value instanceof PdfDictionary)) return numbers;
  for (const key of PARAMETERS) {
    const one = value.get(key);
    if (typeof one === "boolean") numbers.set(key, Number(one));
    if (one instanceof PdfNumber && one.isInteger) numbers.set(key, one.value);
  }
  return numbers;
}
