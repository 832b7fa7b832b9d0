// What the dictionary of a stream says of its filters (ISO 32000-1, 7.3.8.2).

import { CleaningRefusal } from "./errors.js";
import { ABBREVIATIONS, type Filter } from "./pdffilters.js";
import {
  PdfArray,
  PdfDictionary,
  PdfName,
  PdfNumber,
  type PdfStream,
  type PdfValue,
} from "./pdfobjects.js";

const EXTERNAL = ["F", "FFilter", "FDecodeParms"];

/** The filters of a stream, the first to be undone first. Data in another file is refused. */
export function readFilters(stream: PdfStream): Filter[] {
  if (EXTERNAL.some((key) => stream.has(key))) throw new CleaningRefusal("unsupported");
  const [names, parameters] = [listOf(stream.get("Filter")), listOf(stream.get("DecodeParms"))];
  return names.map((name, i) => {
    const text = name instanceof PdfName ? name.name : "";
    if (text === "Crypt") throw new CleaningRefusal("unsupported");
    const long = ABBREVIATIONS.get(text) ?? text;
    return { name: long, parameters: readNumbers(parameters[i] ?? null) };
  });
}

/** What may be one or many: the parts of an array, itself, or nothing. */
export function listOf(value: PdfValue | undefined): PdfValue[] {
  if (value === undefined || value === null) return [];
  return value instanceof PdfArray ? value.values() : [value];
}

function readNumbers(value: PdfValue): Map<string, number> {
  const numbers = new Map<string, number>();
  if (!(value instanceof PdfDictionary)) return numbers;
  for (const key of value.keys()) {
    const one = value.get(key);
    if (typeof one === "boolean") numbers.set(key, Number(one));
    if (one instanceof PdfNumber && one.isInteger) numbers.set(key, one.value);
  }
  return numbers;
}
