// The XML of documents: what is shown stays, by allow-lists, and is written in one way.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/document_markup.py keeps them
// in Python.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { removeInvisible } from "./invisible.js";
import {
  type Attributes,
  DECLARATION,
  decodeMarkup,
  encodeText,
  isBlank,
  type MarkupEvent,
  MAX_ALL_ATTRIBUTES,
  MAX_ELEMENTS,
  MarkupReader,
  type Start,
  writeStart,
} from "./markup.js";
import { type ElementNames, Names } from "./markupnames.js";
import type { MarkupRules } from "./markuprules.js";
import { enterScope, type Scope } from "./markupscopes.js";
import type { Kind } from "./plan.js";

const SHARED_FORMULA = "x:f";
const STRING = "x:si";
const VALUE = "x:v";
const NAME = "x:definedName";
const WORD = /[^ \t\r\n()+*/^&=<>,;:!"'{}[\]%#@-]+/g;
const FIELD = "a:fld";
const FIELD_TEXT = "a:t";
const EMPTY_STRING = "<si><t/></si>";
const SHEET_ROW = "x:row";
/** Cells of numbers, of texts by their numbers, and empty ones, as we write them. */
const CELLS =
  /(?:<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]{1,5}")?(?: t="[bns]")?(?:\/>|><v>[0-9.E+-]{1,30}<\/v><\/c>)){1,500}/y;
const STRING_CELL = 't="s"><v>';
const TABLE = "w:tbl";
const ROW = "w:tr";
const CELL = "w:tc";
const EMPTY_PARAGRAPH = "<w:p/>";
/** A mark, and where it stands in what a change took out. */
const TAKEN_OUT: ReadonlySet<string> = new Set([`w:del w:trPr ${ROW}`, `w:cellDel w:tcPr ${CELL}`]);
const NO_TEXTS: string[] = []; // of elements in which none decides
const NOWHERE: Scope = new Map();
/** What leads to nothing. */
const NOTHING: ReadonlySet<string> = new Set(["", "0"]);

/** What a part leads to. */
export interface References {
  /**
   * Whether a reference of an element, the name of a relation or an address, leads to something
   * that stays. A picture that cannot be cleaned is refused.
   */
  has(untrusted: string, element: string): boolean;
  /** The new value of a reference that stays. */
  rename(untrusted: string): string;
}

/** Changes the events of a part. */
export type Change = (events: Iterable<MarkupEvent>) => Iterable<MarkupEvent>;

/** An element that is open; without `written` its tags go. */
interface Open {
  readonly key: string;
  readonly names: ElementNames;
  readonly scope: Scope;
  readonly attributes: [string, string][];
  readonly texts: string[];
  written: string | undefined;
  hasText: boolean;
  start: number;
  isChosen: boolean;
  /** A change took it out; what comes goes. */
  isGone: boolean;
  /** Of a table that had rows: whether one stays. */
  hasRows?: boolean;
}

/** Rewrites the parts of one document; `kinds` is what was found in them. */
export class DocumentMarkup {
  readonly kinds = new Set<Kind>();
  readonly #names: Names;
  readonly #numbers = new Map<string, Map<string, string>>();
  #elementCount = 0;
  #attributeCount = 0;
  readonly #lostFormulas = new Set<string>();
  readonly #lostNames = new Set<string>();
  readonly #shownStrings = new Set<string>();
  #stringCount = 0;
  #references!: References;
  #out: string[] = [];
  #open: Open[] = [];
  #used = new Set<string>();
  readonly #spaces: string[] = []; // of the attributes of the element that is read
  #cellScope: Scope | undefined; // where cells stay as they are
  #isPending = false;
  #skipped = 0;

  constructor(private readonly rules: MarkupRules) {
    const { texts, notTexts, blankTexts } = rules;
    const collected = [...texts.keys(), ...notTexts.keys(), ...blankTexts.keys(), VALUE];
    this.#names = new Names(rules, new Set(collected), (kinds) => this.#find(kinds));
  }

  /**
   * Rewrite a part, the first element of which must be one of `roots`; `change` changes what is
   * read before anything is done with it. A workbook's texts come last.
   */
  rewrite(
    untrusted: Bytes,
    roots: readonly string[],
    references: References,
    change?: Change,
  ): Bytes {
    this.#lostFormulas.clear();
    this.#references = references;
    this.#out = [];
    this.#open = [];
    this.#used = new Set();
    this.#isPending = false;
    this.#skipped = 0;
    const reader = new MarkupReader(decodeMarkup(untrusted));
    if (change !== undefined) {
      for (const event of change(reader.readAll())) this.#take(event, roots);
    } else {
      for (let event = reader.next(); event !== null; event = reader.next()) {
        this.#take(event, roots);
        if (this.#skipped === 0 && this.#open.at(-1)?.key === SHEET_ROW) this.#passCells(reader);
      }
    }
    if (this.#out.length === 0) throw new CleaningRefusal("malformed");
    for (const [key, space] of this.rules.namespaces) {
      if (!this.#used.has(key)) continue;
      // The first is the root's start.
      this.#out[0] += ` xmlns${space.prefix === "" ? "" : ":"}${space.prefix}="${space.address}"`;
    }
    return new TextEncoder().encode(DECLARATION + this.#out.join(""));
  }

  /** Count an element that is read, or several, with so many attributes; refuse one too many. */
  count(attributes: number, elements = 1): void {
    this.#elementCount += elements;
    this.#attributeCount += attributes;
    if (this.#elementCount > MAX_ELEMENTS || this.#attributeCount > MAX_ALL_ATTRIBUTES) {
      throw new CleaningRefusal("too-complex");
    }
  }

  /**
   * Give a name that joins places the one that is written: a word, and a number in the order of
   * first use. Equal names under one word stay equal, in all parts.
   */
  number(untrusted: string, word: string): string {
    if (NOTHING.has(untrusted)) return untrusted;
    let numbers = this.#numbers.get(word);
    if (numbers === undefined) this.#numbers.set(word, (numbers = new Map()));
    const key = this.rules.caseless.has(word) ? untrusted.toLowerCase() : untrusted;
    const written = numbers.get(key) ?? `${word}${numbers.size + 1}`;
    numbers.set(key, written);
    if (written !== untrusted) this.kinds.add("id");
    return written;
  }

  // --- elements ----------------------------------------------------------------------------------

  #take(event: MarkupEvent, roots: readonly string[]): void {
    if (event === undefined) {
      this.#end();
    } else if (typeof event === "string") {
      this.#readText(event);
    } else {
      this.count(event.attributes.size);
      if (this.#skipped > 0) this.#skipped++;
      else this.#begin(event, roots);
    }
  }

  #begin({ name, attributes, declares }: Start, roots: readonly string[]): void {
    const parent = this.#open.at(-1);
    let scope = parent?.scope ?? NOWHERE;
    if (declares) scope = enterScope(scope, attributes, this.rules.addresses);
    const names = this.#names.element(name, scope);
    const { key } = names;
    if (parent === undefined && !roots.includes(key)) throw new CleaningRefusal("malformed");
    if (names.isRefused) throw new CleaningRefusal("unsupported");
    if (parent?.isGone === true) {
      this.#skipped = 1;
      return;
    }
    const opened: Open = {
      key,
      names,
      scope,
      attributes: [],
      texts: names.isCollected ? [] : NO_TEXTS,
      written: undefined,
      hasText: parent?.hasText === true,
      start: this.#out.length,
      isChosen: false,
      isGone: false,
    };
    if (names.isUnwrapped) {
      this.#find(names.kinds);
      const around = this.rules.goneIn.get(key);
      const isGone = around !== undefined && this.#open.some((one) => around.has(one.key));
      if (isGone || isLeftOut(parent, opened, attributes)) this.#skipped = 1;
      else this.#open.push(opened);
      return;
    }
    if (!names.isListed) {
      this.#find(names.kinds);
      this.#skipped = 1;
      const around = this.#open.at(-2);
      if (around !== undefined && TAKEN_OUT.has(`${key} ${parent?.key} ${around.key}`)) {
        around.isGone = true;
      }
      return;
    }
    if (!this.#keepAttributes(opened, attributes)) {
      this.#skipped = 1;
      return;
    }
    if (key === STRING && this.#passString()) return;
    this.#open.push(opened);
    const { needed } = names;
    if (needed !== undefined && !opened.attributes.some(([one]) => one === needed)) return;
    opened.written = names.written;
    opened.hasText = names.hasText;
    this.#used.add(names.spaceKey);
    for (const space of this.#spaces) this.#used.add(space);
    if (this.#isPending) this.#out.push(">");
    opened.start = this.#out.length;
    this.#out.push(writeStart(opened.written, opened.attributes));
    this.#isPending = true;
  }

  /**
   * Pass cells of a sheet that are written as we write them: a workbook has some hundred thousand,
   * and where scripts are not compiled each costs 30 microseconds otherwise.
   */
  #passCells(reader: MarkupReader): void {
    const { names, scope } = this.#open.at(-1) as Open;
    if (names.written !== "row" || !this.#keepsCells(scope)) return;
    const cells = reader.pass(CELLS);
    if (cells === undefined) return;
    const [count, values] = [cells.split("<c ").length - 1, cells.split("<v>").length - 1];
    this.count(cells.split('="').length - 1, count + values);
    for (const string of cells.split(STRING_CELL).slice(1)) {
      this.#shownStrings.add(string.slice(0, string.indexOf("<")));
    }
    this.#closeStart();
    this.#out.push(cells);
  }

  /** Whether cells and their values stay as they are, with all that `CELLS` knows. */
  #keepsCells(scope: Scope): boolean {
    if (scope === this.#cellScope) return true;
    const [cell, value] = [this.#names.element("c", scope), this.#names.element("v", scope)];
    const attributes = ["r", "s", "t"].map((name) => this.#names.attribute(cell, name, scope));
    const isKept =
      [cell, value].every((one) => one.isListed && !one.isJudged && !one.isNumbered) &&
      cell.key === "x:c" &&
      value.key === VALUE &&
      cell.needed === undefined &&
      attributes.every((one) => one?.isFree === true && !one.isReference);
    if (isKept) this.#cellScope = scope;
    return isKept;
  }

  #end(): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    const closed = this.#open.pop() as Open;
    if (closed.written === undefined) return;
    const isForbidden = closed.names.isJudged && this.#isForbidden(closed);
    if (isForbidden || this.#isGone(closed)) {
      this.#out.length = closed.start;
      // Its parent's start was ended for it; text never is this sign alone.
      this.#isPending = this.#out.at(-1) === ">";
      if (this.#isPending) this.#out.pop();
      return;
    }
    if (closed.key === CELL && closed.isGone) {
      this.#closeStart();
      this.#out.push(EMPTY_PARAGRAPH);
    }
    const { word } = closed.names;
    if (word !== undefined) this.#numberText(closed, word);
    if (closed.key === VALUE) {
      const cell = this.#open.at(-1)?.attributes;
      const isOfString = cell?.some(([key, value]) => key === "t" && value === "s");
      if (isOfString === true) this.#shownStrings.add(closed.texts.join(""));
    }
    this.#out.push(this.#isPending ? "/>" : `</${closed.written}>`);
    this.#isPending = false;
  }

  #readText(untrusted: string): void {
    const inner = this.#open.at(-1);
    if (this.#skipped > 0 || inner === undefined) return;
    if (!inner.hasText) {
      if (!isBlank(untrusted)) this.kinds.add("text");
      return;
    }
    const text = removeInvisible(untrusted, true);
    if (text !== untrusted) this.kinds.add("text");
    if (inner.key === FIELD_TEXT && isClock(this.#open.at(-2))) {
      this.kinds.add("time");
      return;
    }
    if (inner.names.isCollected) inner.texts.push(text);
    if (text !== "") {
      this.#closeStart();
      this.#out.push(encodeText(text));
    }
  }

  /** Whether a change took out a row, or all rows of a table. */
  #isGone(closed: Open): boolean {
    if (closed.key !== ROW) return closed.key === TABLE && closed.hasRows === false;
    const table = this.#open.filter((one) => one.key === TABLE).at(-1);
    if (table !== undefined) table.hasRows = table.hasRows === true || !closed.isGone;
    return closed.isGone;
  }

  #loseName(closed: Open): void {
    const name = (closed.attributes.find(([key]) => key === "name")?.[1] ?? "").toLowerCase();
    // Those of functions that an older program did not know are no values.
    if (name !== "" && !name.startsWith("_xlfn")) this.#lostNames.add(name);
  }

  #namesLost(formula: string): boolean {
    if (this.#lostNames.size === 0) return false;
    return (formula.match(WORD) ?? []).some((word) => this.#lostNames.has(word.toLowerCase()));
  }

  #numberIn(what: string, text: string, word: string): string {
    const pattern = this.rules.numberedIn.get(what);
    if (pattern === undefined) return this.number(text, word);
    const found = pattern.exec(text);
    if (found === null) return text;
    const [all, start, name] = found as unknown as [string, string, string];
    return start + this.number(name, word) + text.slice(found.index + all.length);
  }

  #numberText(closed: Open, word: string): void {
    const text = closed.texts.join("");
    const numbered = this.#numberIn(closed.key, text, word);
    if (numbered === text) return;
    this.#out.length = closed.start + 2; // behind its start and the end of that
    this.#out.push(encodeText(numbered));
  }

  #closeStart(): void {
    if (this.#isPending) this.#out.push(">");
    this.#isPending = false;
  }

  /** Leave an empty place for a text that no cell shows; tell whether it is one. */
  #passString(): boolean {
    const number = String(this.#stringCount);
    this.#stringCount++;
    if (this.#shownStrings.has(number)) return false;
    this.#closeStart();
    this.#out.push(EMPTY_STRING);
    this.#skipped = 1;
    return true;
  }

  #find(kinds: readonly Kind[] = []): void {
    for (const kind of kinds) this.kinds.add(kind);
  }

  // --- what decides ------------------------------------------------------------------------------

  /** Keep what is listed; return whether the element stays. */
  #keepAttributes(opened: Open, attributes: Attributes): boolean {
    const { names, scope } = opened;
    const spaces = this.#spaces;
    spaces.length = 0;
    const related: string[] = [];
    let last = "";
    let isOrdered = true;
    for (const [name, value] of attributes) {
      const found = this.#names.attribute(names, name, scope);
      if (found === null || (found.only !== undefined && found.only !== value)) continue;
      const { key } = found;
      if (found.isReference) {
        if (value === "") continue;
        if (!this.#references.has(value, opened.key)) {
          if (names.isLoose) continue;
          return false;
        }
        related.push(key);
      }
      let kept = value;
      if (!found.isFree) {
        kept = found.constant ?? value;
        if (found.droppedIf?.test(kept) === true) return false;
        const isOther =
          found.notValue?.test(kept) === true ||
          found.value?.test(kept) === false ||
          found.unless?.test(kept) === false;
        if (isOther) continue;
      }
      if (found.space !== undefined) spaces.push(found.space);
      if (key <= last) isOrdered = false;
      last = key;
      opened.attributes.push([key, kept]);
    }
    if (!isOrdered) orderAttributes(opened.attributes);
    if (related.length > 0 || names.isNumbered) this.#rename(opened, related);
    return true;
  }

  /** Write the new names of what attributes lead to, or are led to by. */
  #rename(opened: Open, related: readonly string[]): void {
    for (const attribute of opened.attributes) {
      const [key, value] = attribute;
      const what = `${opened.key}@${key}`;
      const word = this.rules.numbered.get(what);
      if (related.includes(key)) attribute[1] = this.#references.rename(value);
      else if (word !== undefined) attribute[1] = this.#numberIn(what, value, word);
    }
  }

  /** Whether a text leads elsewhere; it is taken out where its element has to stay. */
  #isForbidden(closed: Open): boolean {
    const text = closed.texts.join("");
    const wanted = this.rules.texts.get(closed.key);
    if (wanted !== undefined) return !wanted.test(text);
    const blanked = this.rules.blankTexts.get(closed.key);
    if (blanked !== undefined) {
      if (blanked.test(text)) {
        this.#out.length = closed.start + 1;
        this.#isPending = true;
      }
      return false;
    }
    const isHidden = closed.attributes.some(
      ([key, value]) => key === "hidden" && (value === "1" || value === "true"),
    );
    const isForeign =
      this.rules.notTexts.get(closed.key)?.test(text) === true ||
      (isHidden && this.rules.hiddenTexts.get(closed.key)?.test(text) === false) ||
      (closed.key === SHARED_FORMULA && this.#namesLost(text));
    if (isForeign && closed.key === NAME) this.#loseName(closed);
    if (closed.key !== SHARED_FORMULA) return isForeign;
    const shared = closed.attributes.find(([key]) => key === "si")?.[1];
    if (shared === undefined) return isForeign;
    if (isForeign) this.#lostFormulas.add(shared);
    return isForeign || (text === "" && this.#lostFormulas.has(shared));
  }
}

function orderAttributes(attributes: [string, string][]): void {
  attributes.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const isDouble = attributes.some(([key], at) => at > 0 && attributes[at - 1]?.[0] === key);
  if (isDouble) throw new CleaningRefusal("malformed");
}

/** Whether an alternative is not the one that stays. */
function isLeftOut(parent: Open | undefined, opened: Open, attributes: Attributes): boolean {
  if (opened.key !== "mc:Choice" && opened.key !== "mc:Fallback") return false;
  if (parent?.key !== "mc:AlternateContent") throw new CleaningRefusal("malformed");
  const required = (attributes.get("Requires") ?? "").split(" ").filter((one) => one !== "");
  const isKnown =
    required.length > 0 && required.every((one) => opened.scope.get(one) !== undefined);
  if (parent.isChosen || (opened.key === "mc:Choice" && !isKnown)) return true;
  parent.isChosen = true;
  return false;
}

/** Whether a program writes into an element when it opened or saved the file. */
function isClock(opened: Open | undefined): boolean {
  if (opened?.key !== FIELD) return false;
  return opened.attributes.some(([key, value]) => key === "type" && value.startsWith("datetime"));
}
