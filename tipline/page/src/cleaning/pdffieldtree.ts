// Which field a widget on a page belongs to, told by the tree of a form (ISO 32000-1, 12.7.3).
//
// As qpdf finds it: a widget that the tree does not lead to is its own field.

import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import {
  PdfArray,
  PdfDictionary,
  PdfName,
  PdfNumber,
  PdfReference,
  PdfString,
  type PdfValue,
} from "./pdfobjects.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import { type Found, readName } from "./pdfvalues.js";

const MAX_DEPTH = 100;
const MAX_ABOVE = 1_000; // between a field and the form; five are many
const SEEN_ENTRIES = ["Subtype", "Rect", "AP"];
const LARGEST_INTEGER = 2 ** 31 - 1;

/** Finds fields. */
export class FieldTree {
  readonly #fields = new Map<string, PdfDictionary | undefined>();
  readonly #known = new Set<string>();
  readonly #broken = new Set<string>();

  /** `budget` is spent on what is visited: fields may hang on each other in any way. */
  constructor(
    form: PdfDictionary,
    pages: readonly PdfDictionary[],
    private readonly budget: Budget,
  ) {
    const fields = form.get("Fields");
    if (fields === undefined) return;
    if (fields instanceof PdfArray) this.#walk(fields, undefined, 0);
    for (const page of pages) {
      const annotations = page.get("Annots");
      for (const one of annotations instanceof PdfArray ? annotations.values() : []) {
        if (isWidget(one) && !this.#fields.has(one.id)) this.#fields.set(one.id, one);
      }
    }
  }

  /** The field of a widget; undefined if it has none, as in a form without any. */
  find(widget: PdfDictionary): PdfDictionary | undefined {
    return this.#fields.get(widget.id);
  }

  #walk(items: PdfArray, above: PdfDictionary | undefined, depth: number): void {
    for (const item of items.items) {
      const id = item instanceof PdfReference ? `${item.number} ${item.generation}` : "";
      if (above !== undefined && this.#broken.has(id)) continue;
      const isGood = item instanceof PdfReference && this.#visit(item.follow(), above, depth);
      if (!isGood && above !== undefined) this.#broken.add(id);
    }
  }

  /** Visit a field or a widget; tell whether it is one. */
  #visit(field: PdfValue, above: PdfDictionary | undefined, depth: number): boolean {
    this.budget.spend(TOKEN_BYTES);
    if (depth > MAX_DEPTH || !(field instanceof PdfDictionary) || field === above) return false;
    const isKnown = this.#known.has(field.id) || this.#fields.has(field.id);
    if (isKnown || this.#broken.has(field.id)) return false;
    const kids = field.get("Kids");
    const hasKids = kids instanceof PdfArray;
    const isNamed = field.get("T") instanceof PdfString || inherit(field, "FT") instanceof PdfName;
    const isField = hasKids || isNamed;
    const isSeen = !hasKids && SEEN_ENTRIES.some((key) => field.has(key));
    if (!isField && !isSeen) return false;
    if (isSeen) {
      const own = isField ? field : above;
      if (own !== undefined) this.#known.add(own.id);
      this.#fields.set(field.id, own);
    }
    if (isField && above !== undefined && field.get("Parent") !== above) {
      const others = listKids(field.get("Parent"));
      this.budget.spend(TOKEN_BYTES * others.length);
      if (others.includes(field)) return true;
      if (others.includes(above)) return false;
      field.entries.set("Parent", above);
    }
    if (isField) this.#known.add(field.id);
    if (hasKids) this.#walk(kids, field, depth + 1);
    return true;
  }
}

/** Whether a value is a widget: what is seen of a field. */
export function isWidget(value: PdfValue): value is PdfDictionary {
  return value instanceof PdfDictionary && readName(value.get("Subtype")) === "Widget";
}

/** An entry of a field, or of the nearest above it that has one. */
export function inherit(field: PdfDictionary, name: string): Found {
  const seen = new Set<PdfDictionary>();
  let node: PdfValue | undefined = field;
  while (node instanceof PdfDictionary && !seen.has(node)) {
    const found: Found = node.get(name);
    if (found !== undefined) return found;
    if (seen.size > MAX_ABOVE) throw new CleaningRefusal("too-complex");
    seen.add(node);
    node = node.get("Parent");
  }
  return undefined;
}

/** An integer of a field, within the bounds of C; 0 if there is none. */
export function inheritInteger(field: PdfDictionary, name: string): number {
  const found = inherit(field, name);
  if (!(found instanceof PdfNumber && found.isInteger)) return 0;
  return Math.max(-LARGEST_INTEGER - 1, Math.min(LARGEST_INTEGER, found.value));
}

function listKids(field: Found): PdfValue[] {
  const kids = field instanceof PdfDictionary ? field.get("Kids") : undefined;
  return kids instanceof PdfArray ? kids.values() : [];
}
