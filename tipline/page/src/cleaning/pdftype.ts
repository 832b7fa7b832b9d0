// Fonts of a PDF, copied by the allow-lists of pdf.json.
//
// A font's name stays but for the six letters in front of it that its file alone has: they are
// counted anew. Codes and glyphs keep their names, since a letter is found by them.
// tipline/cleaning/pdf_type.py keeps the same rules in Python.

import { type Bytes, startsWith } from "./bytes.js";
import { type PdfCopier, type Rule, NO_SCOPE, type Scope, type Written } from "./pdfcopy.js";
import type { Used } from "./pdfcontent.js";
import type { Budget } from "./pdffilters.js";
import { cleanCompact, cleanTruetype, cleanType1 } from "./pdffonts.js";
import { PdfDictionary, PdfName, PdfStream, PdfString } from "./pdfobjects.js";
import type { PageCopier } from "./pdfpages.js";
import { isPredefined, rewriteCmap } from "./pdfprograms.js";
import { PDF_RULES } from "./pdfrules.js";
import { decodeText } from "./pdftext.js";
import { longText } from "./pdfescapes.js";
import { encodeName } from "./pdftokens.js";
import { countOf, firstOf, listOf } from "./pdfstreams.js";
import { type Found, formatNumber, readList, readName } from "./pdfvalues.js";
import { formatDictionary } from "./pdfwriter.js";

const TAG = /^[A-Z]{6}\+/;
const TAG_LETTERS = 6;
const LETTERS = 26;
const ORDERINGS: ReadonlySet<string> = new Set(PDF_RULES.orderings);
const COMPACT: ReadonlySet<string> = new Set(["Type1C", "CIDFontType0C", "OpenType"]);
const BASE_ENCODINGS: ReadonlySet<string> = new Set([
  "MacRomanEncoding",
  "MacExpertEncoding",
  "WinAnsiEncoding",
  "StandardEncoding",
]);
const TRUETYPE = ["\0\x01\0\0", "true", "OTTO"];
const TYPE1 = "%!";

/** Copies fonts: teaches a copier their rules. */
export class FontCopier {
  readonly #tags = new Map<string, string>();

  constructor(
    private readonly copier: PdfCopier,
    /** Rewrites what draws the letters of a font that is drawn like a page. */
    private readonly pages: PageCopier,
  ) {
    const file: Rule = (value) => this.#referFile(value, new Map<string, string>());
    const rules: readonly (readonly [string, Rule])[] = [
      ["font", (value, _, scope) => this.#copyFont(value, scope)],
      ["font-name", (value) => this.#copyName(value)],
      ["state-font", (value, _, scope) => this.#copyStateFont(value, scope)],
      ["descendants", (value, _, scope) => this.#copyDescendants(value, scope)],
      ["descriptor", (value) => copier.copyPart(value, "descriptor", NO_SCOPE)],
      ["system", (value, _, scope) => this.#copySystem(value, scope)],
      ["encoding", (value) => this.#copyEncoding(value)],
      ["differences", (value) => this.#copyDifferences(value)],
      ["to-unicode", (value) => this.#copyToUnicode(value)],
      [
        "glyph-map",
        (value) => (readName(value) === "Identity" ? "/Identity" : copier.copyData(value)),
      ],
      ["type1", file],
      ["truetype", file],
      ["compact", (value) => this.#copyCompact(value)],
    ];
    for (const [name, rule] of rules) copier.rules.set(name, rule);
  }

  #copyFont(value: Found, scope: Scope): Written | Promise<Written> {
    if (!(value instanceof PdfDictionary)) return undefined;
    const own = value.get("Resources");
    const inner =
      own instanceof PdfDictionary ? { key: `font ${value.id}`, resources: own } : scope;
    if (!value.isIndirect) return this.#writeFont(value, inner);
    const put = async (number: number) =>
      this.copier.writer.put(number, await this.#writeFont(value, inner));
    // Only a font that is drawn depends on where it is used.
    const isDrawn = readName(value.get("Subtype")) === "Type3";
    return this.copier.refer(value, "font", put, isDrawn ? inner.key : "");
  }

  async #writeFont(value: PdfDictionary, scope: Scope): Promise<string> {
    const entries = await this.copier.copyEntries(value, "font", scope);
    const isDrawn = readName(value.get("Subtype")) === "Type3";
    const glyphs = isDrawn ? await this.#copyGlyphs(value, scope) : [];
    return formatDictionary(new Map([["Type", "/Font"], ...entries, ...glyphs]));
  }

  /** Copy what draws each letter, and the resources of them all. */
  async #copyGlyphs(value: PdfDictionary, scope: Scope): Promise<(readonly [string, string])[]> {
    const procedures = value.get("CharProcs");
    if (!(procedures instanceof PdfDictionary)) return [];
    const glyphs: string[] = [];
    const used: Used = new Map<string, Map<string, string>>();
    for (const key of procedures.keys()) {
      const stream = procedures.get(key);
      if (!(stream instanceof PdfStream)) continue;
      const { contents, used: names } = await this.pages.rewriteStream(stream, scope);
      const number = this.copier.writer.reserve();
      await this.copier.putDeflated(number, new Map<string, string>(), contents);
      glyphs.push(`${encodeName(key)} ${number} 0 R`);
      for (const [category, found] of names) {
        used.set(category, new Map([...(used.get(category) ?? []), ...found]));
      }
    }
    return [
      ["CharProcs", `<< ${glyphs.join(" ")} >>`],
      ["Resources", await this.pages.copyResources(used, scope)],
    ];
  }

  #copyName(value: Found): Written {
    let name = readName(value);
    this.copier.budget.spend(name.length);
    if (TAG.test(name)) {
      name = this.#replaceTag(name.slice(0, TAG_LETTERS)) + name.slice(TAG_LETTERS);
    }
    return name === "" ? undefined : encodeName(name);
  }

  #replaceTag(tag: string): string {
    let known = this.#tags.get(tag);
    if (known === undefined) {
      known = "";
      let count = this.#tags.size;
      for (let place = 0; place < TAG_LETTERS; place++) {
        known = String.fromCharCode(0x41 + (count % LETTERS)) + known;
        count = Math.floor(count / LETTERS);
      }
      this.#tags.set(tag, known);
    }
    return known;
  }

  async #copyStateFont(value: Found, scope: Scope): Promise<Written> {
    const parts = countOf(value) === 2 ? listOf(value) : [];
    const size = parts.length === 2 ? formatNumber(parts[1]) : undefined;
    const font = size === undefined ? undefined : await this.#copyFont(parts[0], scope);
    return font === undefined ? undefined : `[${font} ${size}]`;
  }

  async #copyDescendants(value: Found, scope: Scope): Promise<Written> {
    const written = await this.#copyDescendant(firstOf(value, 1)[0], scope);
    return written === undefined ? undefined : `[${written}]`;
  }

  async #copyDescendant(value: Found, scope: Scope): Promise<Written> {
    if (!(value instanceof PdfDictionary)) return undefined;
    const write = async () => {
      const entries = await this.copier.copyEntries(value, "descendant", scope);
      return formatDictionary(new Map([["Type", "/Font"], ...entries]));
    };
    if (!value.isIndirect) return write();
    const put = async (number: number) => this.copier.writer.put(number, await write());
    return this.copier.refer(value, "descendant", put);
  }

  async #copySystem(value: Found, scope: Scope): Promise<Written> {
    if (!(value instanceof PdfDictionary)) return undefined;
    const ordering = value.get("Ordering");
    const name = ordering instanceof PdfString ? decodeText(ordering.text) : "";
    const number = await this.copier.copy("number", value.get("Supplement"), "", scope);
    const [known, supplement] = ORDERINGS.has(name) ? [name, number ?? "0"] : ["Identity", "0"];
    return `<< /Registry (Adobe) /Ordering (${known}) /Supplement ${supplement} >>`;
  }

  // --- codes -------------------------------------------------------------------------------------

  async #copyEncoding(value: Found): Promise<Written> {
    if (value instanceof PdfName) {
      const { name } = value;
      return BASE_ENCODINGS.has(name) || isPredefined(name) ? encodeName(name) : undefined;
    }
    if (value instanceof PdfStream) return this.#referCmap(value, { isUnicode: false });
    return this.copier.copyPart(value, "encoding", NO_SCOPE);
  }

  #copyToUnicode(value: Found): Written {
    if (value instanceof PdfStream) return this.#referCmap(value, { isUnicode: true });
    const name = readName(value);
    return isPredefined(name) ? encodeName(name) : undefined;
  }

  #referCmap(value: PdfStream, { isUnicode }: { readonly isUnicode: boolean }): string {
    const put = async (number: number) => {
      const data = rewriteCmap(await this.copier.decode(value), this.copier.budget, { isUnicode });
      const entries = new Map<string, string>();
      if (!isUnicode) {
        entries.set("Type", "/CMap").set("CMapName", "/N");
        entries.set("WMode", longText(data).includes("/WMode 1 ") ? "1" : "0");
      }
      await this.copier.putDeflated(number, entries, data);
    };
    return this.copier.refer(value, `cmap ${isUnicode}`, put);
  }

  #copyDifferences(value: Found): Written {
    const parts: string[] = [];
    for (const part of readList(value, this.copier.budget)) {
      const written = part instanceof PdfName ? encodeName(part.name) : formatNumber(part);
      if (written === undefined) continue;
      parts.push(written);
    }
    return `[${parts.join(" ")}]`;
  }

  // --- files of fonts ----------------------------------------------------------------------------

  #copyCompact(value: Found): Written {
    if (!(value instanceof PdfStream)) return undefined;
    const subtype = readName(value.get("Subtype"));
    const entries = new Map<string, string>();
    if (COMPACT.has(subtype)) entries.set("Subtype", `/${subtype}`);
    return this.#referFile(value, entries);
  }

  #referFile(value: Found, entries: ReadonlyMap<string, string>): Written {
    if (!(value instanceof PdfStream)) return undefined;
    const put = async (number: number) => {
      const data = cleanByHead(await this.copier.decode(value), this.copier.budget);
      const lengths = startsWith(data, TYPE1)
        ? measureType1(data)
        : entries.size === 0
          ? [["Length1", String(data.length)] as const]
          : [];
      await this.copier.putDeflated(number, new Map([...entries, ...lengths]), data);
    };
    return this.copier.refer(value, "font file", put);
  }
}

/** Clean a font by what it is: not all stand under the name that they should. */
function cleanByHead(data: Bytes, budget: Budget): Bytes {
  if (startsWith(data, TYPE1)) return cleanType1(data, budget);
  const isTruetype = TRUETYPE.some((head) => startsWith(data, head));
  return isTruetype ? cleanTruetype(data, budget) : cleanCompact(data, budget);
}

/** Measure the readable head, the encrypted part, and the zeros behind it. */
function measureType1(data: Bytes): (readonly [string, string])[] {
  const text = longText(data);
  const mark = text.indexOf("eexec");
  let [head, end] = [text.length, text.length];
  if (mark >= 0) {
    head = mark + "eexec".length;
    while (head < text.length && "\r\n \t".includes(text[head] as string)) head++;
    const tail = text.lastIndexOf("cleartomark");
    if (tail > head) {
      end = tail;
      while (end > head && "0\r\n \t".includes(text[end - 1] as string)) end--;
    }
  }
  const lengths = [head, end - head, text.length - end];
  return lengths.map((length, i) => [`Length${i + 1}`, String(length)]);
}
