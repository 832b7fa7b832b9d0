// The lists for documents of XML that Python and TypeScript share: tipline/cleaning/office.json and
// opendocument.json; tipline/cleaning/markup_rules.py says what each of them does.
//
// What stands in no list goes. Untrusted names are looked up in maps and sets alone: an object has
// names of its own.

import type { Kind } from "./plan.js";

type Names = ReadonlySet<string>;
type Patterns = ReadonlyMap<string, RegExp>;
type KindsByName = ReadonlyMap<string, readonly Kind[]>;
type Listed = Readonly<Record<string, string>>;

/** What is kept of a namespace. */
export interface Namespace {
  readonly address: string;
  readonly prefix: string;
  readonly elements: Names;
  readonly attributes: Names;
  readonly qualified: Names;
  readonly texts: Names;
}

interface ListedNamespace {
  readonly uris: readonly string[];
  readonly prefix?: string;
  readonly elements: string;
  readonly attributes: string;
  readonly qualified: string;
  readonly text: string;
}

/** Lists as they stand in the file. */
export interface Lists {
  readonly namespaces: Readonly<Record<string, ListedNamespace>>;
  readonly unwrapped: string;
  readonly "gone-in"?: object;
  readonly refused: string;
  readonly references: string;
  readonly loose: string;
  readonly constants: object;
  readonly extra: object;
  readonly numbered: object;
  readonly caseless?: string;
  readonly "numbered-in"?: object;
  readonly values: object;
  readonly "not-values": object;
  readonly unless: object;
  readonly "dropped-if": object;
  readonly texts: object;
  readonly "not-texts": object;
  readonly "hidden-texts"?: object;
  readonly "blank-texts": object;
  readonly link: string;
  readonly kinds: {
    readonly elements: object;
    readonly attributes: object;
    readonly properties: object;
  };
}

/** What is kept of a family of documents. */
export interface MarkupRules {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** The key of each address. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Elements whose tags go, and what stands between them stays. */
  readonly unwrapped: Names;
  /** Of those, which go with all that is in them, in some elements. */
  readonly goneIn: ReadonlyMap<string, Names>;
  /** Elements that cannot be left out without changing what is read. */
  readonly refused: Names;
  /** Attributes that lead to something. */
  readonly references: Names;
  /** Elements that can be without what they lead to; any other goes with it. */
  readonly loose: Names;
  /** By `element@attribute`: what is written in place of what was there. */
  readonly constants: ReadonlyMap<string, string>;
  /** Attributes that are kept on some elements alone. */
  readonly extra: ReadonlyMap<string, string>;
  /** By `element@attribute`: the word that replaces a name, with a number; equal ones stay equal. */
  readonly numbered: ReadonlyMap<string, string>;
  /** Words of names in which capital letters make no difference. */
  readonly caseless: Names;
  /** By the same or by element: where in it such a name is, behind the first group the second. */
  readonly numberedIn: Patterns;
  /** The attribute goes if its value is another. */
  readonly values: Patterns;
  /** The attribute goes if its value has this. */
  readonly notValues: Patterns;
  /** The tags go if the value is another, or none. */
  readonly unless: Patterns;
  /** The element goes if the value has this. */
  readonly droppedIf: Patterns;
  /** By element: it goes if its text is another; if its text has this; it loses such a text. */
  readonly texts: Patterns;
  readonly notTexts: Patterns;
  /** Of an element that is hidden: it goes if its text is another. */
  readonly hiddenTexts: Patterns;
  readonly blankTexts: Patterns;
  /** An address that stays. */
  readonly link: RegExp;
  /** Of what goes, by names without a prefix. */
  readonly elementKinds: KindsByName;
  readonly attributeKinds: KindsByName;
  readonly propertyKinds: KindsByName;
}

/** Make rules of lists. */
export function makeRules(listed: Lists): MarkupRules {
  const spaces = Object.entries(listed.namespaces);
  return {
    namespaces: new Map(spaces.map(([key, space]) => [key, makeNamespace(key, space)])),
    addresses: new Map(
      spaces.flatMap(([key, space]) => space.uris.map((address) => [address, key] as const)),
    ),
    unwrapped: toSet(listed.unwrapped),
    goneIn: new Map(
      Object.entries((listed["gone-in"] ?? {}) as Listed).map(([name, around]) => [
        name,
        toSet(around),
      ]),
    ),
    refused: toSet(listed.refused),
    references: toSet(listed.references),
    loose: toSet(listed.loose),
    constants: toMap(listed.constants),
    extra: toMap(listed.extra),
    numbered: toMap(listed.numbered),
    caseless: toSet(listed.caseless ?? ""),
    numberedIn: compile(listed["numbered-in"] ?? {}),
    values: compile(listed.values),
    notValues: compile(listed["not-values"]),
    unless: compile(listed.unless),
    droppedIf: compile(listed["dropped-if"]),
    texts: compile(listed.texts),
    notTexts: compile(listed["not-texts"]),
    hiddenTexts: compile(listed["hidden-texts"] ?? {}),
    blankTexts: compile(listed["blank-texts"]),
    link: new RegExp(listed.link),
    elementKinds: listKinds(listed.kinds.elements),
    attributeKinds: listKinds(listed.kinds.attributes),
    propertyKinds: listKinds(listed.kinds.properties),
  };
}

/** Turn names by kinds into kinds by names. */
export function listKinds(kinds: object): KindsByName {
  return new Map(
    Object.entries(kinds as Listed).flatMap(([listed, names]) =>
      split(names).map((name) => [name, split(listed) as Kind[]] as const),
    ),
  );
}

/** Split names at spaces. */
export function toSet(names: string): Names {
  return new Set(split(names));
}

function makeNamespace(key: string, listed: ListedNamespace): Namespace {
  return {
    address: listed.uris[0] as string,
    prefix: listed.prefix ?? key,
    elements: toSet(listed.elements),
    attributes: toSet(listed.attributes),
    qualified: toSet(listed.qualified),
    texts: toSet(listed.text),
  };
}

function toMap(listed: object): ReadonlyMap<string, string> {
  return new Map(Object.entries(listed as Listed));
}

function compile(patterns: object): Patterns {
  return new Map(
    Object.entries(patterns as Listed).map(([name, pattern]) => [name, new RegExp(pattern)]),
  );
}

function split(names: string): string[] {
  return names.split(" ").filter((name) => name !== "");
}
