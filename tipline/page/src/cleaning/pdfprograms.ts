// The small programs inside a PDF: tables from codes to letters (CMaps) and functions in PostScript.
//
// Both are read token by token and written anew: comments, titles, copyrights and names go.

import { type Bytes, latin1 } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import { PDF_RULES } from "./pdfrules.js";
import { encodeHex, encodeName, type Token, Tokens } from "./pdftokens.js";

const MAX_RANGES = 1_000_000; // a font has at most 65,536 glyphs

const SECTIONS: ReadonlySet<string> = new Set([
  ...["cid", "bf", "notdef"].flatMap((kind) => [`${kind}char`, `${kind}range`]),
  "codespacerange",
]);
const NUMBERED: ReadonlySet<string> = new Set(["cidchar", "cidrange", "notdefchar", "notdefrange"]);
const WIDE: ReadonlySet<string> = new Set(["cidrange", "bfrange", "notdefrange"]);
const PREDEFINED: ReadonlySet<string> = new Set([
  "H",
  "V",
  ...PDF_RULES.cmaps.flatMap((name) => [`${name}-H`, `${name}-V`]),
]);
const OPERATORS: ReadonlySet<string> = new Set(PDF_RULES.postscript);
const BEGIN = "begin";
const GROUP = 100; // lines of a section: more are not allowed

/** Whether a CMap is one of those that every program has. */
export function isPredefined(name: string): boolean {
  return PREDEFINED.has(name);
}

/** Write a CMap anew, that leads to letters or to the glyphs of a font. */
export function rewriteCmap(
  untrusted: Bytes,
  budget: Budget,
  { isUnicode }: { readonly isUnicode: boolean },
): Bytes {
  const tokens = new Tokens(untrusted, budget);
  const body: string[] = [];
  let before: Token[] = [];
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    if (token.kind === "word") {
      const { text } = token;
      const section = text.startsWith(BEGIN) ? text.slice(BEGIN.length) : "";
      if (SECTIONS.has(section)) {
        writeSection(section, tokens, body);
      } else if (text === "usecmap") {
        const name = before[before.length - 1];
        if (name?.kind !== "name" || !isPredefined(name.text)) {
          throw new CleaningRefusal("unsupported");
        }
        body.push(`${encodeName(name.text)} usecmap`);
      } else if (text === "def" && isVertical(before)) {
        body.push("/WMode 1 def");
      }
    }
    before = [...before.slice(-1), token];
    if (body.length > MAX_RANGES) throw new CleaningRefusal("too-complex");
  }
  const [ordering, type] = isUnicode ? ["UCS", 2] : ["Identity", 1];
  const lines = [
    "/CIDInit /ProcSet findresource begin",
    "12 dict begin",
    "begincmap",
    `/CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 0 >> def`,
    "/CMapName /N def",
    `/CMapType ${type} def`,
  ];
  const tail = ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""];
  return latin1([...lines, ...body, ...tail].join("\n"));
}

function isVertical([name, value]: readonly Token[]): boolean {
  const isMode = name?.kind === "name" && name.text === "WMode";
  return isMode && value?.kind === "number" && value.text === "1";
}

/** Write the lines of a section; what is no code, or leads nowhere, goes. */
function writeSection(name: string, tokens: Tokens, body: string[]): void {
  const width = WIDE.has(name) ? 3 : 2;
  const lines: string[] = [];
  let line: string[] = [];
  for (const value of readValues(name, tokens)) {
    line.push(value);
    if (line.length < width) continue;
    lines.push(line.join(" "));
    line = [];
  }
  for (let start = 0; start < lines.length; start += GROUP) {
    const group = lines.slice(start, start + GROUP);
    body.push(`${group.length} begin${name}`, ...group, `end${name}`);
  }
}

function* readValues(name: string, tokens: Tokens): Generator<string, void, void> {
  let values: string[] | undefined;
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    if (token.kind === "word") return;
    const mark = token.kind === "mark" ? token.text : "";
    if (mark === "[") {
      values = [];
    } else if (mark === "]" && values !== undefined) {
      yield `[${values.join(" ")}]`;
      values = undefined;
    } else {
      const code = writeCode(name, token);
      if (code === undefined) continue;
      if (values === undefined) yield code;
      else values.push(code);
    }
  }
}

/** Write what may stand in a section: codes, numbers of glyphs, names of letters. */
function writeCode(name: string, { kind, text }: Token): string | undefined {
  if (kind === "string") return `<${encodeHex(text)}>`;
  if (kind === "number" && NUMBERED.has(name)) return text;
  return kind === "name" && name.startsWith("bf") ? encodeName(text) : undefined;
}

/** Write a function in PostScript anew; one with an operator that functions do not have is refused. */
export function rewriteFunction(untrusted: Bytes, budget: Budget): Bytes {
  const tokens = new Tokens(untrusted, budget);
  const out: string[] = [];
  for (let token = tokens.read(); token !== undefined; token = tokens.read()) {
    const { kind, text } = token;
    const isBrace = kind === "mark" && (text === "{" || text === "}");
    if (kind !== "number" && !(kind === "word" && OPERATORS.has(text)) && !isBrace) {
      throw new CleaningRefusal("malformed");
    }
    out.push(text);
  }
  return latin1(out.join(" "));
}
