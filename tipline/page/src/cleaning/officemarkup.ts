// The XML of Office's documents: what is shown stays, by allow-lists, and is written in one way.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/office_markup.py keeps them
// in Python.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import {
  type Attributes,
  DECLARATION,
  decodeMarkup,
  encodeText,
  isBlank,
  MAX_ELEMENTS,
  readMarkup,
  type Start,
  writeStart,
} from "./markup.js";
import * as rules from "./officerules.js";
import type { Kind } from "./plan.js";
import { endOf } from "./relations.js";

const SHARED_FORMULA = "x:f";
const STRING = "x:si";
const VALUE = "x:v";
const EMPTY_STRING = "<si><t/></si>";
const COLLECTED: ReadonlySet<string> = new Set([
  ...rules.TEXTS.keys(),
  ...rules.NOT_TEXTS.keys(),
  ...rules.BLANK_TEXTS.keys(),
  VALUE,
]);

/** What a part leads to. */
export interface Relations {
  /** Whether a relation stays; a picture that cannot be cleaned may be missing or not. */
  has(untrustedName: string, isTolerant: boolean): boolean;
  /** The new name of a relation that stays. */
  rename(untrustedName: string): string;
}

type Scope = ReadonlyMap<string, string | undefined>;

/** An element that is open; without `written` its tags go. */
interface Open {
  readonly key: string;
  readonly scope: Scope;
  readonly isTolerant: boolean;
  readonly attributes: [string, string][];
  readonly texts: string[];
  written: string | undefined;
  hasText: boolean;
  start: number;
  isChosen: boolean;
}

/** Rewrites the parts of one document; `kinds` is what was found in them. */
export class OfficeMarkup {
  readonly kinds = new Set<Kind>();
  #elementCount = 0;
  readonly #lostFormulas = new Set<string>();
  readonly #shownStrings = new Set<string>();
  #stringCount = 0;
  #relations!: Relations;
  #out: string[] = [];
  #open: Open[] = [];
  #used = new Set<string>();
  #isPending = false;
  #skipped = 0;

  /** Rewrite a part, the first element of which must be `root`. A workbook's texts come last. */
  rewrite(untrusted: Bytes, root: string, relations: Relations): Bytes {
    this.#lostFormulas.clear();
    this.#relations = relations;
    this.#out = [];
    this.#open = [];
    this.#used = new Set();
    this.#isPending = false;
    this.#skipped = 0;
    for (const event of readMarkup(decodeMarkup(untrusted))) {
      if (event === undefined) {
        this.#end();
      } else if (typeof event === "string") {
        this.#readText(event);
      } else {
        this.#elementCount++;
        if (this.#elementCount > MAX_ELEMENTS) throw new CleaningRefusal("too-complex");
        if (this.#skipped > 0) this.#skipped++;
        else this.#begin(event, root);
      }
    }
    if (this.#out.length === 0) throw new CleaningRefusal("malformed");
    for (const [key, space] of rules.NAMESPACES) {
      if (!this.#used.has(key)) continue;
      // The first is the root's start.
      this.#out[0] += ` xmlns${space.prefix === "" ? "" : ":"}${space.prefix}="${space.address}"`;
    }
    return new TextEncoder().encode(DECLARATION + this.#out.join(""));
  }

  // --- elements ----------------------------------------------------------------------------------

  #begin({ name, attributes }: Start, root: string): void {
    const parent = this.#open.at(-1);
    const scope = enterScope(parent?.scope ?? new Map(), attributes);
    const local = endOf(name, ":");
    const spaceKey = scope.get(name.slice(0, Math.max(0, name.length - local.length - 1)));
    const key = `${spaceKey}:${local}`;
    const space = rules.NAMESPACES.get(spaceKey ?? "");
    if (parent === undefined && key !== root) throw new CleaningRefusal("malformed");
    if (rules.REFUSED.has(key)) throw new CleaningRefusal("unsupported");
    const opened: Open = {
      key,
      scope,
      isTolerant: rules.TOLERANT.has(key) || parent?.isTolerant === true,
      attributes: [],
      texts: [],
      written: undefined,
      hasText: false,
      start: this.#out.length,
      isChosen: false,
    };
    if (rules.UNWRAPPED.has(key)) {
      this.#find(rules.ELEMENT_KINDS.get(local));
      if (isLeftOut(parent, opened, attributes)) this.#skipped = 1;
      else this.#open.push(opened);
      return;
    }
    if (space === undefined || !space.elements.has(local)) {
      this.#find(rules.ELEMENT_KINDS.get(local));
      this.#skipped = 1;
      return;
    }
    if (!this.#keepAttributes(opened, attributes, space)) {
      this.#skipped = 1;
      return;
    }
    if (key === STRING && this.#passString()) return;
    this.#open.push(opened);
    if (lacksItsValue(opened)) return;
    opened.written = space.prefix === "" ? local : `${space.prefix}:${local}`;
    opened.hasText = space.texts.has(local);
    this.#used.add(spaceKey ?? "");
    for (const [attribute] of opened.attributes) this.#used.add(attribute.split(":", 1)[0] ?? "");
    this.#closeStart();
    opened.start = this.#out.length;
    this.#out.push(writeStart(opened.written, opened.attributes));
    this.#isPending = true;
  }

  #end(): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    const closed = this.#open.pop() as Open;
    if (closed.written === undefined) return;
    if (COLLECTED.has(closed.key) && this.#isForbidden(closed)) {
      this.#out.length = closed.start;
      // Its parent's start was ended for it; text never is this sign alone.
      this.#isPending = this.#out.at(-1) === ">";
      if (this.#isPending) this.#out.pop();
      return;
    }
    const isOfString = this.#open
      .at(-1)
      ?.attributes.some(([key, value]) => key === "t" && value === "s");
    if (closed.key === VALUE && isOfString === true) this.#shownStrings.add(closed.texts.join(""));
    this.#out.push(this.#isPending ? "/>" : `</${closed.written}>`);
    this.#isPending = false;
  }

  #readText(text: string): void {
    const inner = this.#open.at(-1);
    if (this.#skipped > 0 || inner === undefined) return;
    if (inner.written === undefined || !inner.hasText) {
      if (!isBlank(text)) this.kinds.add("text");
      return;
    }
    if (COLLECTED.has(inner.key)) inner.texts.push(text);
    if (text !== "") {
      this.#closeStart();
      this.#out.push(encodeText(text));
    }
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
  #keepAttributes(opened: Open, attributes: Attributes, space: rules.Namespace): boolean {
    const related = new Set<string>();
    for (const [name, value] of attributes) {
      const key = this.#findKey(opened, name, value, space);
      if (key === undefined) continue;
      if (key.startsWith("r:")) {
        if (value === "") continue;
        if (!this.#relations.has(value, opened.isTolerant)) {
          if (rules.LOOSE.has(opened.key)) continue;
          return false;
        }
        related.add(key);
      }
      const what = `${opened.key}@${key}`;
      const kept = rules.CONSTANTS.get(what) ?? value;
      const isOther = [rules.VALUES, rules.UNLESS].some(
        (patterns) => patterns.get(what)?.test(kept) === false,
      );
      if (!isOther) opened.attributes.push([key, kept]);
    }
    opened.attributes.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
    for (const attribute of opened.attributes) {
      if (related.has(attribute[0])) attribute[1] = this.#relations.rename(attribute[1]);
    }
    const keys = new Set(opened.attributes.map(([key]) => key));
    if (keys.size !== opened.attributes.length) throw new CleaningRefusal("malformed");
    return true;
  }

  /** The name under which an attribute is written; undefined if it goes. */
  #findKey(opened: Open, name: string, value: string, space: rules.Namespace): string | undefined {
    const local = endOf(name, ":");
    const prefix = name.slice(0, Math.max(0, name.length - local.length - 1));
    if (prefix === "xmlns" || name === "xmlns") return undefined;
    if (prefix === "xml") return local === "space" && value === "preserve" ? name : undefined;
    if (prefix === "") {
      if (space.attributes.has(local) || rules.EXTRA.get(opened.key) === local) return local;
    } else {
      const spaceKey = opened.scope.get(prefix);
      const known = spaceKey === undefined ? undefined : rules.NAMESPACES.get(spaceKey);
      if (known?.qualified.has(local) === true) return `${spaceKey}:${local}`;
    }
    this.#find(rules.ATTRIBUTE_KINDS.get(local));
    return undefined;
  }

  /** Whether a text leads elsewhere; it is taken out where its element has to stay. */
  #isForbidden(closed: Open): boolean {
    const text = closed.texts.join("");
    const wanted = rules.TEXTS.get(closed.key);
    if (wanted !== undefined) return !wanted.test(text);
    const blanked = rules.BLANK_TEXTS.get(closed.key);
    if (blanked !== undefined) {
      if (blanked.test(text)) {
        this.#out.length = closed.start + 1;
        this.#isPending = true;
      }
      return false;
    }
    const isForeign = rules.NOT_TEXTS.get(closed.key)?.test(text) === true;
    if (closed.key !== SHARED_FORMULA) return isForeign;
    const shared = closed.attributes.find(([key]) => key === "si")?.[1];
    if (shared === undefined) return isForeign;
    if (isForeign) this.#lostFormulas.add(shared);
    return isForeign || (text === "" && this.#lostFormulas.has(shared));
  }
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

/** Whether an element lost the attribute without which its tags go. */
function lacksItsValue(opened: Open): boolean {
  for (const what of rules.UNLESS.keys()) {
    const [element, attribute] = what.split("@");
    if (element === opened.key && !opened.attributes.some(([key]) => key === attribute))
      return true;
  }
  return false;
}

function enterScope(scope: Scope, attributes: Attributes): Scope {
  let inner: Map<string, string | undefined> | undefined;
  for (const [name, value] of attributes) {
    if (name !== "xmlns" && !name.startsWith("xmlns:")) continue;
    inner ??= new Map(scope);
    inner.set(name.slice("xmlns:".length), rules.ADDRESSES.get(value));
  }
  return inner ?? scope;
}
