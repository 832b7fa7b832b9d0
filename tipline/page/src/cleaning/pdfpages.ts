// Pages of a PDF, and what they are drawn with: forms, patterns, shadings, states, functions.
//
// Resources that nothing names are not copied: a picture that was taken off a page may be among
// them. tipline/cleaning/pdf_pages.py keeps the same rules in Python.

import { type Bytes, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { ContentWriter, type Used } from "./pdfcontent.js";
import type { PdfCopier, Rule, Scope, Written } from "./pdfcopy.js";
import { PdfArray, PdfDictionary, PdfNumber, PdfStream, type PdfValue } from "./pdfobjects.js";
import { MAX_PARENTS } from "./pdfpagetree.js";
import { rewriteFunction } from "./pdfprograms.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import { type Found, readList, readName } from "./pdfvalues.js";
import { formatDictionary } from "./pdfwriter.js";

// What has no resources of its own is drawn with those of each page that shows it, so it is written
// anew for each. Programs have not left them out since 1993.
const MAX_AGAIN = 20_000;

const USUAL_BOX = "[0 0 612 792]"; // that programs take if there is none
const DEFAULTS = ["DefaultGray", "DefaultRGB", "DefaultCMYK"];
const PLAIN_FUNCTIONS: ReadonlySet<string> = new Set(["Identity", "Default"]);
const RESOURCES = "Resources";
// What a page has from those above it; resources are copied in another way.
const INHERITED: readonly (readonly [string, string])[] = [
  ["MediaBox", "box"],
  ["CropBox", "box"],
  ["Rotate", "number"],
];
const CATEGORIES: readonly (readonly [string, string])[] = [
  ["ColorSpace", "colours"],
  ["ExtGState", "state"],
  ["Font", "font"],
  ["Pattern", "pattern"],
  ["Shading", "shading"],
  ["XObject", "drawing"],
];

/** Something that draws, rewritten: the new stream, and the resources that it uses. */
export interface Rewritten {
  readonly contents: Bytes;
  readonly used: Used;
}

/** Copies pages: teaches a copier the rules of what they are drawn with. */
export class PageCopier {
  readonly #rewritten = new Set<string>();
  #againLen = 0;

  constructor(private readonly copier: PdfCopier) {
    const functions: Rule = (value, _, scope) => this.#copyFunctions(value, scope);
    const rules: readonly (readonly [string, Rule])[] = [
      ["drawing", (value, _, scope) => this.#copyDrawing(value, scope)],
      ["form", (value, _, scope) => this.#copyForm(value, scope)],
      ["group", (value, _, scope) => this.#copyNamed(value, "group", scope)],
      ["mask", (value, _, scope) => this.#copyMask(value, scope)],
      ["soft-mask", (value, _, scope) => this.#copyNamed(value, "soft-mask", scope)],
      ["state", (value, _, scope) => this.#copyNamed(value, "state", scope)],
      ["pattern", (value, _, scope) => this.#copyPattern(value, scope)],
      ["shading", (value, _, scope) => this.#copyWithData(value, "shading", scope)],
      ["function", (value, _, scope) => this.#copyFunction(value, scope)],
      ["functions", functions],
      ["transfer", functions],
    ];
    for (const [name, rule] of rules) copier.rules.set(name, rule);
  }

  /** Copy a page, which hangs on the tree with the number `parent`; return its own number. */
  async copyPage(page: PdfDictionary, parent: number): Promise<number> {
    const { copier } = this;
    const number = copier.writer.reserve();
    const inherited = collectInherited(page);
    const scope = { key: `page ${page.id}`, resources: inherited.get(RESOURCES) };
    const entries = new Map([
      ["Type", "/Page"],
      ["Parent", `${parent} 0 R`],
      ...(await copier.copyEntries(page, "page", scope)),
    ]);
    for (const [key, rule] of INHERITED) {
      const value = entries.has(key) ? undefined : inherited.get(key);
      const written = await copier.copy(rule, value, "", scope);
      if (written !== undefined) entries.set(key, written);
    }
    if (!entries.has("MediaBox")) entries.set("MediaBox", USUAL_BOX);
    const parts: (Bytes | string)[] = [];
    for (const part of readList(page.get("Contents"), copier.budget)) {
      if (!(part instanceof PdfStream)) continue;
      if (parts.length > 0) parts.push("\n");
      parts.push(await copier.decode(part));
    }
    const { contents, used } = await this.rewrite(joinAll(parts), scope);
    const contentNumber = copier.writer.reserve();
    await copier.putDeflated(contentNumber, new Map<string, string>(), contents);
    entries.set("Contents", `${contentNumber} 0 R`);
    entries.set(RESOURCES, await this.copyResources(used, scope));
    copier.writer.put(number, formatDictionary(entries));
    return number;
  }

  /** Rewrite what draws, which is decoded; `scope` has its layers. */
  async rewrite(untrusted: Bytes, scope: Scope): Promise<Rewritten> {
    const { copier } = this;
    const content = new ContentWriter(copier.names, copier.budget, copier.find);
    const contents = await content.rewrite(untrusted);
    const layers = readPart(scope.resources, "Properties");
    for (const name of content.layers) copier.checkLayer(layers.get(name));
    return { contents, used: content.used };
  }

  /** Rewrite a stream that draws, of which other pages may have another copy. */
  async rewriteStream(stream: PdfStream, scope: Scope): Promise<Rewritten> {
    if (this.#rewritten.has(stream.id)) this.#againLen++;
    if (this.#againLen > MAX_AGAIN) throw new CleaningRefusal("too-complex");
    this.#rewritten.add(stream.id);
    return this.rewrite(await this.copier.decode(stream), scope);
  }

  /** Copy the resources that are used; the dictionary, written. */
  async copyResources(used: Used, scope: Scope): Promise<string> {
    const entries = new Map<string, string>();
    for (const [category, rule] of CATEGORIES) {
      const source = readPart(scope.resources, category);
      const wanted = [...(used.get(category) ?? [])].sort(compareNumbers);
      const written = new Map<string, string>();
      for (const [old, replaced] of wanted) {
        const value = source.get(old);
        if (value === undefined) continue;
        const copied = await this.copier.copy(rule, value, "", scope);
        if (copied !== undefined) written.set(replaced, copied);
      }
      if (category === "ColorSpace") await this.#copyDefaults(source, scope, written);
      if (written.size > 0) entries.set(category, formatDictionary(written));
    }
    return formatDictionary(entries);
  }

  /** Copy the colours that stand for the plain ones without being named. */
  async #copyDefaults(
    source: PdfDictionary,
    scope: Scope,
    written: Map<string, string>,
  ): Promise<void> {
    for (const name of DEFAULTS) {
      const value = source.get(name);
      if (value === undefined) continue;
      const copied = await this.copier.copy("colours", value, "", scope);
      // Plain ones for plain ones change nothing.
      if (copied !== undefined && !copied.startsWith("/")) written.set(name, copied);
    }
  }

  // --- what draws --------------------------------------------------------------------------------

  #copyDrawing(value: Found, scope: Scope): Written {
    if (!(value instanceof PdfStream)) return undefined;
    switch (readName(value.get("Subtype"))) {
      case "Image":
        return this.copier.copyImage(value, scope);
      case "Form":
        return this.#copyForm(value, scope);
      case "PS":
        throw new CleaningRefusal("unsupported");
      default:
        return undefined;
    }
  }

  #copyForm(value: Found, scope: Scope): Written {
    if (!(value instanceof PdfStream)) return undefined;
    const start = [
      ["Type", "/XObject"],
      ["Subtype", "/Form"],
    ] as const;
    return this.#referDrawn(value, "form", start, scope);
  }

  #copyPattern(value: Found, scope: Scope): Written | Promise<Written> {
    if (value instanceof PdfStream) return this.#referDrawn(value, "pattern", [], scope);
    return this.copier.copyPart(value, "pattern", scope);
  }

  /** Refer to a stream that draws, with its own resources or those it is drawn among. */
  #referDrawn(
    value: PdfStream,
    part: string,
    start: readonly (readonly [string, string])[],
    scope: Scope,
  ): string {
    const own = value.get(RESOURCES);
    const inner =
      own instanceof PdfDictionary ? { key: `${part} ${value.id}`, resources: own } : scope;
    const put = async (number: number) => {
      const { contents, used } = await this.rewriteStream(value, inner);
      const entries = new Map([...start, ...(await this.copier.copyEntries(value, part, inner))]);
      entries.set(RESOURCES, await this.copyResources(used, inner));
      await this.copier.putDeflated(number, entries, contents);
    };
    return this.copier.refer(value, part, put, inner.key);
  }

  #copyMask(value: Found, scope: Scope): Written | Promise<Written> {
    if (value instanceof PdfArray) return this.copier.copy("numbers", value, "", scope);
    return this.copier.copyImage(value, scope);
  }

  /** Copy a dictionary that may be the name None instead. */
  async #copyNamed(value: Found, part: string, scope: Scope): Promise<Written> {
    return readName(value) === "None" ? "/None" : this.copier.copyPart(value, part, scope);
  }

  // --- functions ---------------------------------------------------------------------------------

  #copyFunction(value: Found, scope: Scope): Promise<Written> {
    const isProgram = value instanceof PdfStream && isNumber(value.get("FunctionType"), 4);
    const { budget } = this.copier;
    return this.#copyWithData(
      value,
      "function",
      scope,
      isProgram ? (data) => rewriteFunction(data, budget) : undefined,
    );
  }

  async #copyFunctions(value: Found, scope: Scope): Promise<Written> {
    const name = readName(value);
    if (PLAIN_FUNCTIONS.has(name)) return `/${name}`;
    if (!(value instanceof PdfArray)) return this.#copyFunction(value, scope);
    this.copier.budget.spend(TOKEN_BYTES * value.length);
    const parts: string[] = [];
    for (const part of value.values()) {
      parts.push((await this.#copyFunction(part, scope)) ?? "/Identity");
    }
    return `[${parts.join(" ")}]`;
  }

  async #copyWithData(
    value: Found,
    part: string,
    scope: Scope,
    rewrite: (data: Bytes) => Bytes = (data) => data,
  ): Promise<Written> {
    if (!(value instanceof PdfStream)) return this.copier.copyPart(value, part, scope);
    const put = async (number: number) => {
      const entries = await this.copier.copyEntries(value, part, scope);
      await this.copier.putDeflated(number, entries, rewrite(await this.copier.decode(value)));
    };
    return this.copier.refer(value, part, put, scope.key);
  }
}

/** The entry of what may be a dictionary if it is one itself; else an empty one. */
export function readPart(dictionary: Found, name: string): PdfDictionary {
  const found = dictionary instanceof PdfDictionary ? dictionary.get(name) : undefined;
  return found instanceof PdfDictionary ? found : new PdfDictionary();
}

function compareNumbers([, one]: [string, string], [, other]: [string, string]): number {
  return Number(one.slice(1)) - Number(other.slice(1));
}

function isNumber(value: Found, number: number): boolean {
  return value instanceof PdfNumber && value.value === number;
}

/** Collect what a page has from those above it, the nearest first. */
function collectInherited(page: PdfDictionary): Map<string, PdfValue> {
  const found = new Map<string, PdfValue>();
  let node = page;
  for (let count = 0; count < MAX_PARENTS; count++) {
    for (const key of [RESOURCES, ...INHERITED.map(([name]) => name)]) {
      const value = node.get(key);
      if (value !== undefined && !found.has(key)) found.set(key, value);
    }
    const above = node.get("Parent");
    if (!(above instanceof PdfDictionary)) return found;
    node = above;
  }
  throw new CleaningRefusal("too-complex");
}
