// What draws a page of a PDF, written anew (ISO 32000-1, 7.8.2, Annex A).
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/pdf_content.py keeps them in
// Python. What is drawn and not seen stays: outside the page, under something else, white on white.

import { type Bytes, latin1 } from "./bytes.js";
import type { Budget } from "./pdffilters.js";
import { InlineImageWriter } from "./pdfinline.js";
import { PDF_RULES } from "./pdfrules.js";
import { encodeName, encodeString, type Token, Tokens } from "./pdftokens.js";
import type { Kind } from "./plan.js";

const MAX_OPERANDS = 64; // of one operator; DeviceN has 32 colours, and a name behind them
const OPERATORS: ReadonlyMap<string, string> = new Map(Object.entries(PDF_RULES.operators));
const NAMED: ReadonlyMap<string, string> = new Map(Object.entries(PDF_RULES.named));
const PLAIN_NAMES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(PDF_RULES.plain_names).map(([operator, names]) => [operator, new Set(names)]),
);
const QUIET: ReadonlySet<string> = new Set(["BX", "EX", "BMC", "BDC", "EMC", "MP", "DP"]);
const PLAIN_DEFAULT = "/RelativeColorimetric"; // of `ri`, the one operator whose names are all plain

/** The resources that something uses: by category, old names and new ones. */
export type Used = Map<string, Map<string, string>>;

/** The neutral names of one file: by the order in which the old ones came up. */
export class Names {
  readonly #names = new Map<string, string>();

  /** The neutral name for a name; always the same for the same. */
  replace(name: string): string {
    let known = this.#names.get(name);
    if (known === undefined) {
      known = `N${this.#names.size + 1}`;
      this.#names.set(name, known);
    }
    return known;
  }
}

/** A letter for what it is, and how it is written: a name without its slash. */
interface Operand {
  readonly letter: string;
  readonly text: string;
}

const NO_OPERAND: Operand = { letter: "?", text: "" };

/** Writes one content stream anew. */
export class ContentWriter {
  readonly used: Used = new Map<string, Map<string, string>>();
  readonly layers = new Set<string>();
  readonly #images: InlineImageWriter;
  readonly #out: string[] = [];
  #operands: Operand[] = [];

  constructor(
    private readonly names: Names,
    private readonly budget: Budget,
    private readonly find: (...kinds: readonly Kind[]) => void,
  ) {
    this.#images = new InlineImageWriter(
      (category, name) => this.#use(category, name),
      budget,
      find,
    );
  }

  /** Rewrite a stream, which is decoded; `used` has the names of resources that it uses. */
  async rewrite(untrusted: Bytes): Promise<Bytes> {
    const tokens = new Tokens(untrusted, this.budget);
    for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
      if (token.kind !== "word") {
        this.#operands.push(this.#readOperand(token, tokens));
        if (this.#operands.length > MAX_OPERANDS) this.#operands.shift();
        continue;
      }
      if (token.text === "BI") this.#out.push(await this.#images.rewrite(tokens));
      else this.#writeOperator(token.text);
      this.#operands = [];
    }
    return encodeLong(this.#out.length > 0 ? `${this.#out.join("\n")}\n` : "");
  }

  #readOperand(token: Token, tokens: Tokens): Operand {
    switch (token.kind) {
      case "number":
        return { letter: "n", text: token.text };
      case "string":
        return { letter: "s", text: encodeString(token.text) };
      case "name":
        return { letter: "/", text: token.text };
      default:
        if (token.text === "[") return { letter: "a", text: readArray(tokens) };
        if (token.text === "<<") skipDictionary(tokens);
        return NO_OPERAND;
    }
  }

  #writeOperator(word: string): void {
    const kind = this.#operands.at(-2);
    if (word === "BDC" && kind?.letter === "/" && kind.text === "OC") {
      this.layers.add((this.#operands.at(-1) as Operand).text);
    }
    const pattern = OPERATORS.get(word);
    if (pattern === undefined) {
      if (!QUIET.has(word)) this.find("other");
      return;
    }
    const operands = this.#take(pattern);
    if (operands === undefined) {
      this.find("other");
      return;
    }
    let written = "";
    for (const { letter, text } of operands) {
      written += `${letter === "/" ? this.#writeName(word, text) : text} `;
    }
    this.#out.push(written + word);
  }

  /** Take the operands that belong to an operator, or nothing if they are not there. */
  #take(pattern: string): readonly Operand[] | undefined {
    const operands = this.#operands;
    if (pattern === "*") {
      // Components of a colour, and at the end the name of a pattern.
      const end = operands.length;
      let start = operands.at(-1)?.letter === "/" ? end - 1 : end;
      while (start > 0 && operands[start - 1]?.letter === "n" && end - start < MAX_OPERANDS) {
        start--;
      }
      return start < end ? operands.slice(start) : undefined;
    }
    const start = operands.length - pattern.length;
    if (start < 0) return undefined;
    for (let i = 0; i < pattern.length; i++) {
      if (operands[start + i]?.letter !== pattern[i]) return undefined;
    }
    return start === 0 ? operands : operands.slice(start);
  }

  #writeName(operator: string, name: string): string {
    if (PLAIN_NAMES.get(operator)?.has(name)) return encodeName(name);
    const category = NAMED.get(operator);
    return category === undefined ? PLAIN_DEFAULT : encodeName(this.#use(category, name));
  }

  #use(category: string, name: string): string {
    const replaced = this.names.replace(name);
    let known = this.used.get(category);
    if (known === undefined) {
      known = new Map<string, string>();
      this.used.set(category, known);
    }
    known.set(name, replaced);
    return replaced;
  }
}

/** Read an array of numbers and strings; all else in it goes. */
function readArray(tokens: Tokens): string {
  const parts: string[] = [];
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    if (token.kind === "mark" && token.text === "]") break;
    if (token.kind === "number") parts.push(token.text);
    else if (token.kind === "string") parts.push(encodeString(token.text));
    else if (token.kind === "word") break; // the array was never closed
  }
  return `[${parts.join(" ")}]`;
}

function skipDictionary(tokens: Tokens): void {
  let depth = 1;
  while (depth > 0) {
    const token = tokens.read();
    if (token === undefined) return;
    if (token.kind === "mark") depth += token.text === "<<" ? 1 : token.text === ">>" ? -1 : 0;
  }
}

/** The bytes of a long text, one for each character; most are ASCII, which the browser writes. */
function encodeLong(text: string): Bytes {
  const encoded = new TextEncoder().encode(text);
  return encoded.length === text.length ? encoded : latin1(text);
}
