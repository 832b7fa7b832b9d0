// Prefixes of XML: which namespace of the lists each stands for, inside an element.

import type { Attributes } from "./markup.js";
import { endOf } from "./relations.js";

/** The keys of namespaces, by prefixes; undefined of one that is not listed. */
export type Scope = ReadonlyMap<string, string | undefined>;

/** What prefixes stand for inside an element, whose attributes these are. */
export function enterScope(
  scope: Scope,
  attributes: Attributes,
  addresses: ReadonlyMap<string, string>,
): Scope {
  let inner: Map<string, string | undefined> | undefined;
  for (const [name, value] of attributes) {
    if (name !== "xmlns" && !name.startsWith("xmlns:")) continue;
    inner ??= new Map(scope);
    inner.set(name.slice("xmlns:".length), addresses.get(value));
  }
  return inner ?? scope;
}

/** The name of an element or an attribute that the lists have. */
export function findKey(name: string, scope: Scope): string {
  const local = endOf(name, ":");
  return `${scope.get(name.slice(0, Math.max(0, name.length - local.length - 1)))}:${local}`;
}
