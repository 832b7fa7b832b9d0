// The parts of a PDF that draw its pages, copied by the allow-lists of pdf.json.
//
// The rules are those of tipline/cleaning/pdf_copy.py:
//
// 1. From a page on, only what is named is followed: what nothing draws is never reached.
// 2. Every dictionary is written anew with the entries of its list, each of its type. Texts do not
//    stand in any list.
// 3. Each object is copied once, in the order in which it is reached.
// 4. What refers to itself is no danger: objects wait in a row, and nothing calls itself deeper than
//    the brackets of the file.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { findXmpKinds } from "./labels.js";
import { Names } from "./pdfcontent.js";
import { Budget, decodeFilters, deflate } from "./pdffilters.js";
import { cleanImageData, MAX_PIXELS_BYTES } from "./pdfimages.js";
import { PdfDictionary, PdfStream } from "./pdfobjects.js";
import { PDF_RULES } from "./pdfrules.js";
import { cleanJbig2 } from "./pdfscans.js";
import { firstOf, readFilters } from "./pdfstreams.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import {
  copyBlending,
  copyBoolean,
  copyBooleans,
  copyBox,
  copyChoice,
  copyNumber,
  copyNumbers,
  type Found,
  readName,
} from "./pdfvalues.js";
import { formatDictionary, formatStream, PdfWriter } from "./pdfwriter.js";
import type { Kind } from "./plan.js";

const PARTS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(PDF_RULES.parts).map(([part, rules]) => [part, new Map(Object.entries(rules))]),
);
const KINDS: ReadonlyMap<string, readonly Kind[]> = new Map(Object.entries(PDF_RULES.kinds));
const QUIET: ReadonlySet<string> = new Set(PDF_RULES.quiet);
const IMAGE_PARAMETERS: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(
  Object.entries(PDF_RULES.image_parameters),
);
const STREAM_BYTES = 256; // decoding one takes as long as so many bytes, though it be empty
const HIDING: ReadonlySet<string> = new Set(["AnyOff", "AllOff"]);

/** The resources that what has none of its own uses, and a key that tells them from others. */
export interface Scope {
  readonly key: string;
  readonly resources: Found;
}

export const NO_SCOPE: Scope = { key: "", resources: undefined };

/** What stands in the place of a value; undefined if it goes. */
export type Written = string | undefined;
/** Copies a value; `rest` is what the list says behind the rule's name. */
export type Rule = (value: Found, rest: string, scope: Scope) => Written | Promise<Written>;
/** Copies an object that was reached, under its number. */
export type Task = (number: number) => Promise<void>;
/** A dictionary, or a stream with the entries of its own. */
export type Entries = PdfDictionary | PdfStream;

/** Copies what is reached. */
export class PdfCopier {
  readonly budget = new Budget();
  readonly names = new Names();
  readonly writer = new PdfWriter();
  readonly rules: Map<string, Rule>;
  readonly #pixels = new Budget(MAX_PIXELS_BYTES);
  readonly #numbers = new Map<string, number>();
  #waiting: { readonly number: number; readonly task: Task }[] = [];

  constructor(readonly find: (...kinds: readonly Kind[]) => void) {
    const budget = this.budget;
    this.rules = new Map<string, Rule>([
      ["number", (value) => copyNumber(value, budget)],
      ["numbers", (value) => copyNumbers(value, budget)],
      ["box", (value) => copyBox(value, budget)],
      ["boolean", (value) => copyBoolean(value)],
      ["booleans", (value) => copyBooleans(value, budget)],
      ["one-of", (value, choices) => copyChoice(value, choices)],
      ["blending", (value) => copyBlending(value, budget)],
      ["image", (value, _, scope) => this.copyImage(value, scope)],
      ["data", (value) => this.copyData(value)],
    ]);
  }

  /** Copy a value by a rule. */
  copy(rule: string, value: Found, rest: string, scope: Scope): Written | Promise<Written> {
    return (this.rules.get(rule) as Rule)(value, rest, scope);
  }

  /** Copy all that was reached and what that reaches. */
  async copyWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const { number, task } of waiting) await task(number);
    }
  }

  /** Refer to a part, which has a number in the file; it is copied later, and once. */
  refer(value: Entries, role: string, task: Task, scope = ""): string {
    const key = `${value.id}|${role}|${scope}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.writer.reserve();
      this.#numbers.set(key, number);
      this.#waiting.push({ number, task });
    }
    return `${number} 0 R`;
  }

  /** Hold that a layer is shown: those that are hidden are refused for the whole file. */
  checkLayer(value: Found): void {
    if (
      value instanceof PdfDictionary &&
      (value.has("VE") || HIDING.has(readName(value.get("P"))))
    ) {
      throw new CleaningRefusal("unsupported");
    }
  }

  // --- dictionaries ------------------------------------------------------------------------------

  /** Copy a dictionary, or a stream's, by a list: the entries that stay, written. */
  async copyEntries(value: Entries, part: string, scope: Scope): Promise<Map<string, string>> {
    const rules = PARTS.get(part) as ReadonlyMap<string, string>;
    for (const key of value.keys()) {
      this.budget.spend(TOKEN_BYTES);
      if (!rules.has(key)) await this.noteDropped(key, value);
    }
    const entries = new Map<string, string>();
    for (const [key, listed] of rules) {
      const found = value.get(key);
      if (found === undefined) continue;
      const end = listed.indexOf(" ");
      const [rule, rest] = end < 0 ? [listed, ""] : [listed.slice(0, end), listed.slice(end + 1)];
      const written = await this.copy(rule, found, rest, scope);
      if (written !== undefined) entries.set(key, written);
    }
    return entries;
  }

  /** Note the kinds of an entry that goes. */
  async noteDropped(key: string, value: Entries): Promise<void> {
    const found = value.get(key);
    if (key === "Metadata" && found instanceof PdfStream) {
      this.find(...findXmpKinds(await this.decode(found)));
    } else if (key === "OC") {
      this.checkLayer(found);
    } else if (!QUIET.has(key)) {
      this.find(...(KINDS.get(key) ?? (["other"] as const)));
    }
  }

  /** Copy a dictionary that is no stream: where it stands, or by reference as in the file. */
  async copyPart(value: Found, part: string, scope: Scope): Promise<Written> {
    if (!(value instanceof PdfDictionary)) return undefined;
    const write = async () => formatDictionary(await this.copyEntries(value, part, scope));
    if (!value.isIndirect) return write();
    const put = async (number: number) => this.writer.put(number, await write());
    return this.refer(value, part, put, scope.key);
  }

  // --- streams -----------------------------------------------------------------------------------

  /** Decode a stream. */
  async decode(value: PdfStream): Promise<Bytes> {
    this.budget.spend(STREAM_BYTES);
    return decodeFilters(await value.read(), readFilters(value), this.budget);
  }

  /** Write a stream, compressed always in the same way. */
  async putDeflated(number: number, entries: Map<string, string>, data: Bytes): Promise<void> {
    const all = new Map(entries).set("Filter", "/FlateDecode");
    this.writer.put(number, formatStream(all, await deflate(data)));
  }

  /** Copy a stream of numbers that has no entries: a table of colours or glyphs. */
  copyData(value: Found): Written {
    if (!(value instanceof PdfStream)) return undefined;
    return this.refer(value, "data", async (number) =>
      this.putDeflated(number, new Map<string, string>(), await this.decode(value)),
    );
  }

  /** Copy an image. */
  copyImage(value: Found, scope: Scope): Written {
    if (!(value instanceof PdfStream)) return undefined;
    return this.refer(value, "image", (number) => this.#putImage(number, value, scope));
  }

  async #putImage(number: number, value: PdfStream, scope: Scope): Promise<void> {
    const filters = readFilters(value);
    const budgets = { budget: this.budget, pixels: this.#pixels };
    const { filter, data } = await cleanImageData(await value.read(), filters, budgets, this.find);
    const copied = await this.copyEntries(value, "image", scope);
    const entries = new Map([["Type", "/XObject"], ["Subtype", "/Image"], ...copied]);
    if (filter === undefined) {
      await this.putDeflated(number, entries, data);
      return;
    }
    entries.set("Filter", `/${filter}`);
    const given = firstOf(value.get("DecodeParms"), filters.length)[filters.length - 1];
    const parameters = await this.#copyParameters(filter, given);
    if (parameters.size > 0) entries.set("DecodeParms", formatDictionary(parameters));
    this.writer.put(number, formatStream(entries, data));
  }

  async #copyParameters(filter: string, given: Found): Promise<Map<string, string>> {
    const written = new Map<string, string>();
    if (!(given instanceof PdfDictionary)) return written;
    if (filter === "JBIG2Decode") {
      const symbols = given.get("JBIG2Globals");
      if (symbols instanceof PdfStream) {
        const put = async (number: number) => {
          const data = cleanJbig2(await this.decode(symbols));
          await this.putDeflated(number, new Map<string, string>(), data);
        };
        written.set("JBIG2Globals", this.refer(symbols, "symbols", put));
      }
      return written;
    }
    for (const [key, rule] of Object.entries(IMAGE_PARAMETERS.get(filter) ?? {})) {
      const found = given.get(key);
      if (found === undefined) continue;
      const copied = await this.copy(rule, found, "", NO_SCOPE);
      if (copied !== undefined) written.set(key, copied);
    }
    return written;
  }
}
