// Images in the middle of what draws a page (ISO 32000-1, 8.9.7): BI, a head, ID, data, EI.
//
// The rules are those of tipline/cleaning/pdf_inline.py: of the head what a decoder needs stays, of
// the data what is coded there. Where it ends is told by its length where there is no filter, by
// itself where it is a zlib stream, else by the first EI behind which text follows.

import { latin1 } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { ABBREVIATIONS, type Budget, measureDeflatedStart } from "./pdffilters.js";
import { cleanJpeg } from "./pdfjpegs.js";
import { PDF_RULES } from "./pdfrules.js";
import { longText } from "./pdfescapes.js";
import { encodeName, encodeString, type Token, type Tokens } from "./pdftokens.js";
import type { Kind } from "./plan.js";

const MAX_VALUES = 256; // of one entry; a table of colours is one

const KEYS: ReadonlyMap<string, string> = new Map(Object.entries(PDF_RULES.inline));
const PARAMETERS: ReadonlySet<string> = new Set(
  Object.values(PDF_RULES.image_parameters).flatMap((names) => Object.keys(names)),
);
const COLOURS: ReadonlySet<string> = new Set([
  ...(PDF_RULES.plain_names["cs"] as readonly string[]),
  "G",
  "RGB",
  "CMYK",
  "I",
  "Indexed",
]);
const COMPONENTS: ReadonlyMap<string, number> = new Map([
  ["G", 1],
  ["DeviceGray", 1],
  ["RGB", 3],
  ["DeviceRGB", 3],
  ["CMYK", 4],
]);
const LITERALS: ReadonlySet<string> = new Set(["true", "false", "null"]);
const LONG_NAMES: ReadonlySet<string> = new Set(ABBREVIATIONS.values());
const BEHIND_BYTES = 24; // enough for a few operators
const NO_TEXT = /[^\0\t\n\f\r -~]/;
const DIGITS = /^[0-9]{1,8}$/;

interface Head {
  readonly written: ReadonlyMap<string, string>;
  readonly filters: readonly string[];
  readonly colours: string;
}

/** Writes inline images anew. */
export class InlineImageWriter {
  constructor(
    private readonly use: (category: string, name: string) => string,
    private readonly budget: Budget,
    private readonly find: (...kinds: readonly Kind[]) => void,
  ) {}

  /** Rewrite an image; `tokens` are behind its BI, and behind its EI afterwards. */
  async rewrite(tokens: Tokens): Promise<string> {
    const head = this.#readHead(tokens);
    let data = this.#cut(tokens, head);
    if (head.filters.length === 1 && head.filters[0] === "DCTDecode") {
      data = longText(await cleanJpeg(latin1(data), this.find));
    }
    const parts = [...head.written].sort(([one], [other]) => (one < other ? -1 : 1));
    const entries = parts.map(([key, value]) => `/${key} ${value}`).join(" ");
    return `BI ${entries}\nID ${data}\nEI`;
  }

  #readHead(tokens: Tokens): Head {
    const written = new Map<string, string>();
    let filters: string[] = [];
    let colours = "";
    for (;;) {
      const token = tokens.read();
      if (token?.kind === "word" && token.text === "ID") break;
      if (token?.kind !== "name") throw new CleaningRefusal("malformed");
      const key = KEYS.get(token.text);
      const values = readValues(tokens);
      if (key === "F") {
        filters = values.filter(({ kind }) => kind === "name").map(({ text }) => expand(text));
        written.set("F", `[${filters.map(encodeName).join(" ")}]`);
      } else if (key === "CS") {
        colours = (values[0] as Token).text;
        written.set("CS", values.map((value) => this.#writeColour(value)).join(" "));
      } else if (key !== undefined) {
        written.set(key, values.map(writeValue).join(" "));
      }
    }
    if (!written.has("W") || !written.has("H")) throw new CleaningRefusal("malformed");
    return { written, filters, colours };
  }

  #writeColour(token: Token): string {
    if (token.kind === "string") return encodeString(token.text);
    if (token.kind !== "name") return writeValue(token);
    return encodeName(COLOURS.has(token.text) ? token.text : this.use("ColorSpace", token.text));
  }

  /** Find where the data ends, and go on behind its EI. */
  #cut(tokens: Tokens, head: Head): string {
    const start = tokens.position + 1; // one white space stands behind ID
    let length = head.filters.length === 0 ? measurePlain(head) : undefined;
    if (head.filters[0] === "FlateDecode") {
      length = measureDeflatedStart(tokens.untrusted.subarray(start), this.budget);
    }
    const end = /[\0\t\n\f\r ]EI(?=[\0\t\n\f\r ]|$)/g;
    end.lastIndex = length === undefined ? start : Math.max(start, start + length - 1);
    for (let match = end.exec(tokens.text); match !== null; match = end.exec(tokens.text)) {
      const behind = match.index + match[0].length;
      end.lastIndex = match.index + 1;
      // Coded data may have these bytes, too; then no text follows.
      if (NO_TEXT.test(tokens.text.slice(behind, behind + BEHIND_BYTES))) continue;
      tokens.position = behind;
      const until = length === undefined ? match.index : Math.min(start + length, match.index);
      return tokens.text.slice(start, until);
    }
    throw new CleaningRefusal("malformed");
  }
}

/** Read a value: one token, or all between brackets. */
function readValues(tokens: Tokens): Token[] {
  const values: Token[] = [];
  let depth = 0;
  while (values.length < MAX_VALUES) {
    const token = tokens.read();
    if (token === undefined) break;
    values.push(token);
    if (token.kind === "mark") {
      if (token.text === "<<" || token.text === "[") depth++;
      else if (token.text === ">>" || token.text === "]") depth--;
    }
    if (depth <= 0) return values;
  }
  throw new CleaningRefusal("malformed");
}

/** Write numbers, true and false, and the names of a filter's parameters; refuse texts. */
function writeValue({ kind, text }: Token): string {
  if (kind === "name" && PARAMETERS.has(text)) return encodeName(text);
  if (kind === "number" || kind === "mark" || (kind === "word" && LITERALS.has(text))) return text;
  throw new CleaningRefusal("malformed");
}

function expand(name: string): string {
  if (LONG_NAMES.has(name)) return name;
  const long = ABBREVIATIONS.get(name);
  if (long === undefined) throw new CleaningRefusal("unsupported");
  return long;
}

/** Measure the data of an image without a filter; undefined if its colours are named elsewhere. */
function measurePlain({ written, colours }: Head): number | undefined {
  const isMask = written.get("IM") === "true";
  const components = isMask ? 1 : COMPONENTS.get(colours);
  const numbers = [written.get("W"), written.get("H"), isMask ? "1" : (written.get("BPC") ?? "8")];
  if (components === undefined || !numbers.every((number) => DIGITS.test(number as string))) {
    return undefined;
  }
  const [width, height, depth] = numbers.map(Number) as [number, number, number];
  return Math.floor((width * components * depth + 7) / 8) * height;
}
