// Colours of a PDF.
//
// A colour profile goes, and the plain colours of as many parts stand in its place, as in JPEG: it
// names the screen, the scanner or the printer that it was made for. Inks that are not common lose
// their names. tipline/cleaning/pdf_colours.py keeps the same rules in Python.

import { CleaningRefusal } from "./errors.js";
import type { PdfCopier, Rule, Scope, Written } from "./pdfcopy.js";
import { PdfArray, PdfDictionary, PdfNumber, PdfStream, PdfString } from "./pdfobjects.js";
import { PDF_RULES } from "./pdfrules.js";
import { encodeString } from "./pdftokens.js";
import { countOf, listOf } from "./pdfstreams.js";
import { type Found, MAX_DEPTH, readName } from "./pdfvalues.js";

const MAX_INKS = 32; // as the standard says

const INKS: ReadonlySet<string> = new Set(PDF_RULES.inks);
const PLAIN: ReadonlySet<string> = new Set(PDF_RULES.plain_names["cs"]);
const BY_COMPONENTS: ReadonlyMap<number, string> = new Map([
  [1, "/DeviceGray"],
  [3, "/DeviceRGB"],
  [4, "/DeviceCMYK"],
]);
// Of the colours that a table is made of, as they are written.
const COMPONENTS: ReadonlyMap<string, number> = new Map([
  ...["/DeviceGray", "/G", "/CalGray", "/Separation"].map((name) => [name, 1] as const),
  ...["/DeviceRGB", "/RGB", "/CalRGB", "/Lab"].map((name) => [name, 3] as const),
  ...["/DeviceCMYK", "/CMYK"].map((name) => [name, 4] as const),
]);
const MAX_COLOURS = 256; // of a table

type Family = (value: PdfArray, rest: string, scope: Scope) => Promise<Written>;

/** Copies colours: teaches a copier their rule. */
export class ColourCopier {
  readonly #families: ReadonlyMap<string, Family>;

  constructor(private readonly copier: PdfCopier) {
    const calibrated: Family = (value, _, scope) => this.#copyCalibrated(value, scope);
    const indexed: Family = (value, rest, scope) => this.#copyIndexed(value, rest, scope);
    const inks: Family = (value, rest, scope) => this.#copyInks(value, rest, scope);
    this.#families = new Map<string, Family>([
      ["ICCBased", (value, rest, scope) => this.#copyProfile(value, rest, scope)],
      ["CalGray", calibrated],
      ["CalRGB", calibrated],
      ["Lab", calibrated],
      ["Pattern", (value, rest, scope) => this.#copyPattern(value, rest, scope)],
      ["Indexed", indexed],
      ["I", indexed],
      ["Separation", inks],
      ["DeviceN", inks],
    ]);
    const rule: Rule = (value, rest, scope) => this.#copyColours(value, rest, scope);
    copier.rules.set("colours", rule);
  }

  /** Copy colours; `rest` grows with every colour that they are made of. */
  async #copyColours(value: Found, rest: string, scope: Scope): Promise<Written> {
    if (!(value instanceof PdfArray)) return copyPlain(value);
    if (rest.length > MAX_DEPTH) throw new CleaningRefusal("too-complex");
    const family = this.#families.get(readName(value.at(0)));
    return family === undefined ? copyPlain(value.at(0)) : family(value, `${rest}+`, scope);
  }

  async #copyProfile(value: PdfArray, rest: string, scope: Scope): Promise<Written> {
    this.copier.find("profile");
    const profile = value.at(1);
    if (!(profile instanceof PdfStream)) return undefined;
    const below = profile.get("Alternate");
    // A Lab profile has an alternate that says so, and other ranges.
    if (below instanceof PdfArray) return this.#copyColours(below, rest, scope);
    const components = profile.get("N");
    if (typeof components === "boolean") return BY_COMPONENTS.get(Number(components));
    if (!(components instanceof PdfNumber && components.isInteger)) return undefined;
    return BY_COMPONENTS.get(components.value);
  }

  async #copyCalibrated(value: PdfArray, scope: Scope): Promise<Written> {
    const numbers = await this.copier.copyPart(value.at(1), "calibrated", scope);
    return join(readName(value.at(0)), numbers);
  }

  async #copyPattern(value: PdfArray, rest: string, scope: Scope): Promise<Written> {
    const below = await this.#copyColours(value.at(1), rest, scope);
    return below === undefined ? "/Pattern" : join("Pattern", below);
  }

  async #copyIndexed(value: PdfArray, rest: string, scope: Scope): Promise<Written> {
    const last = await this.copier.copy("number", value.at(2), "", scope);
    const table = value.at(3);
    // What is referred to is written, so all is looked at before anything is referred to.
    const isTable = table instanceof PdfString || table instanceof PdfStream;
    if (last === undefined || !isTable) return undefined;
    const base = await this.#copyColours(value.at(1), rest, scope);
    if (base === undefined) return undefined;
    const length = measureTable(base, last);
    if (table instanceof PdfStream) {
      return join("Indexed", base, last, this.#referTable(table, length));
    }
    this.copier.budget.spend(table.text.length);
    return join("Indexed", base, last, encodeString(table.text.slice(0, length)));
  }

  #referTable(table: PdfStream, length: number): string {
    return this.copier.refer(table, `table of ${length}`, async (number) => {
      const data = (await this.copier.decode(table)).subarray(0, length);
      await this.copier.putDeflated(number, new Map<string, string>(), data);
    });
  }

  async #copyInks(value: PdfArray, rest: string, scope: Scope): Promise<Written> {
    const [named, tint] = [value.at(1), value.at(3)];
    if (countOf(named) > MAX_INKS) throw new CleaningRefusal("too-complex");
    const inks = listOf(named).map((ink, i) => writeInk(ink, i + 1));
    if (!(tint instanceof PdfDictionary || tint instanceof PdfStream)) return undefined;
    const below = await this.#copyColours(value.at(2), rest, scope);
    if (below === undefined) return undefined;
    const listed = inks.join(" ");
    const written = named instanceof PdfArray ? `[${listed}]` : listed;
    const copied = await this.copier.copy("function", tint, "", scope);
    return join(readName(value.at(0)), written, below, copied);
  }
}

function writeInk(value: Found, number: number): string {
  const name = readName(value);
  return INKS.has(name) ? `/${name}` : `/Ink${number}`;
}

function copyPlain(value: Found): Written {
  const name = readName(value);
  return PLAIN.has(name) ? `/${name}` : undefined;
}

/** How long a table of colours is: what lies behind it would be drawn by nobody. */
function measureTable(base: string, last: string): number {
  const [, family = "", rest = ""] = /^\[?([^ ]*) ?([^]*)$/.exec(base) ?? [];
  let components = COMPONENTS.get(family) ?? MAX_INKS;
  if (family === "/DeviceN" && rest.startsWith("[")) {
    components = rest.slice(0, rest.indexOf("]")).split("/").length - 1;
  }
  const colours = /^[0-9]{1,3}$/.test(last) ? Number(last) + 1 : MAX_COLOURS;
  return Math.min(colours, MAX_COLOURS) * components;
}

/** Write a family of colours, unless a part of it is missing. */
function join(family: string, ...parts: readonly Written[]): Written {
  return parts.includes(undefined) ? undefined : `[/${family} ${parts.join(" ")}]`;
}
