// What the lists say of an element and of its attributes, looked up once for each name: documents
// have few names, and many elements.

import type { MarkupRules, Namespace } from "./markuprules.js";
import type { Scope } from "./markupscopes.js";
import type { Kind } from "./plan.js";
import { endOf } from "./relations.js";

const MAX_KNOWN = 256; // names that are remembered, of elements and of one's attributes

/** What is said of an attribute of an element. */
export interface AttributeNames {
  /** As it is written. */
  readonly key: string;
  readonly isReference: boolean;
  /** The only value that it may have. */
  readonly only: string | undefined;
  readonly constant: string | undefined;
  readonly droppedIf: RegExp | undefined;
  readonly notValue: RegExp | undefined;
  readonly value: RegExp | undefined;
  readonly unless: RegExp | undefined;
  /** Whether none of these four is there, nor a constant. */
  readonly isFree: boolean;
  /** The key of the namespace that it is written with. */
  readonly space: string | undefined;
}

/** What is said of an element. */
export interface ElementNames {
  readonly key: string;
  readonly local: string;
  readonly space: Namespace | undefined;
  readonly spaceKey: string;
  readonly isRefused: boolean;
  readonly isUnwrapped: boolean;
  readonly isListed: boolean;
  readonly isLoose: boolean;
  /** As it is written. */
  readonly written: string;
  readonly hasText: boolean;
  readonly kinds: readonly Kind[];
  /** The attribute without which its tags go. */
  readonly needed: string | undefined;
  readonly isCollected: boolean;
  /** Whether a text decides over it. */
  readonly isJudged: boolean;
  /** The word of names in its text, and whether there is one of names in an attribute. */
  readonly word: string | undefined;
  readonly isNumbered: boolean;
  /** What is said of attributes, by their names; null of what goes. */
  readonly attributes: Map<string, AttributeNames | null>;
}

/** Looks up names by the rules of a family of documents. */
export class Names {
  readonly #known = new WeakMap<Scope, Map<string, ElementNames>>();
  #lastScope: Scope | undefined;
  #lastKnown = new Map<string, ElementNames>();
  readonly #needed: ReadonlyMap<string, string>;
  readonly #numbering: ReadonlySet<string>;

  constructor(
    private readonly rules: MarkupRules,
    private readonly collected: ReadonlySet<string>,
    private readonly find: (kinds: readonly Kind[] | undefined) => void,
  ) {
    const split = [...rules.unless.keys()].map((what) => what.split("@") as [string, string]);
    this.#needed = new Map(split);
    this.#numbering = new Set([...rules.numbered.keys()].map((what) => what.split("@")[0] ?? ""));
  }

  /** Look up an element that stands in a scope. */
  element(name: string, scope: Scope): ElementNames {
    let known = this.#lastKnown;
    if (scope !== this.#lastScope) {
      known = this.#known.get(scope) ?? new Map<string, ElementNames>();
      this.#known.set(scope, known);
      this.#lastScope = scope;
      this.#lastKnown = known;
    }
    let found = known.get(name);
    if (found !== undefined) return found;
    found = this.#readElement(name, scope);
    if (known.size < MAX_KNOWN) known.set(name, found);
    return found;
  }

  /** Look up an attribute of an element; null if it goes. */
  attribute(element: ElementNames, name: string, scope: Scope): AttributeNames | null {
    const known = element.attributes.get(name);
    if (known !== undefined) return known;
    const found = this.#readAttribute(element, name, scope);
    if (element.attributes.size < MAX_KNOWN) element.attributes.set(name, found);
    return found;
  }

  #readElement(name: string, scope: Scope): ElementNames {
    const { rules } = this;
    const local = endOf(name, ":");
    const spaceKey = scope.get(name.slice(0, Math.max(0, name.length - local.length - 1)));
    const key = `${spaceKey}:${local}`;
    const space = rules.namespaces.get(spaceKey ?? "");
    const { texts, notTexts, blankTexts } = rules;
    return {
      key,
      local,
      space,
      spaceKey: spaceKey ?? "",
      isRefused: rules.refused.has(key),
      isUnwrapped: rules.unwrapped.has(key),
      isListed: space?.elements.has(local) === true,
      isLoose: rules.loose.has(key),
      written: space === undefined || space.prefix === "" ? local : `${space.prefix}:${local}`,
      hasText: space?.texts.has(local) === true,
      kinds: rules.elementKinds.get(local) ?? [],
      needed: this.#needed.get(key),
      isCollected: this.collected.has(key),
      isJudged: texts.has(key) || notTexts.has(key) || blankTexts.has(key),
      word: rules.numbered.get(key),
      isNumbered: this.#numbering.has(key),
      attributes: new Map(),
    };
  }

  #readAttribute(element: ElementNames, name: string, scope: Scope): AttributeNames | null {
    const { rules } = this;
    const local = endOf(name, ":");
    const prefix = name.slice(0, Math.max(0, name.length - local.length - 1));
    if (prefix === "xmlns" || name === "xmlns") return null;
    let key: string | undefined;
    let only: string | undefined;
    if (prefix === "xml") {
      if (!rules.numbered.has(`${element.key}@${name}`)) {
        if (local !== "space") return null;
        only = "preserve";
      }
      key = name;
    } else if (prefix === "") {
      const isListed = element.space?.attributes.has(local) === true;
      if (isListed || rules.extra.get(element.key) === local) key = local;
    } else {
      const spaceKey = scope.get(prefix);
      const space = spaceKey === undefined ? undefined : rules.namespaces.get(spaceKey);
      if (space?.qualified.has(local) === true) key = `${spaceKey}:${local}`;
    }
    if (key === undefined) {
      this.find(rules.attributeKinds.get(local));
      return null;
    }
    const what = `${element.key}@${key}`;
    const said = {
      constant: rules.constants.get(what),
      droppedIf: rules.droppedIf.get(what),
      notValue: rules.notValues.get(what),
      value: rules.values.get(what),
      unless: rules.unless.get(what),
    };
    return {
      key,
      only,
      isReference: rules.references.has(key),
      isFree: Object.values(said).every((one) => one === undefined),
      space: key.includes(":") ? key.slice(0, key.indexOf(":")) : undefined,
      ...said,
    };
  }
}
