// The pages of a PDF, as its tree lists them, mended where programs that show it mend it, too.
//
// What is mended, and how, is qpdf's way: tipline/cleaning/pdf_document.py has its pages from there.

import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import {
  follow,
  PdfArray,
  PdfDictionary,
  type PdfItem,
  PdfName,
  PdfNumber,
  PdfReference,
  type PdfValue,
} from "./pdfobjects.js";
import { TOKEN_BYTES } from "./pdftokens.js";

export const MAX_PAGES = 20_000;
export const MAX_PARENTS = 64; // between a page and the root; five are many

const INHERITED = ["MediaBox", "CropBox", "Resources", "Rotate"];
const USUAL_BOX = [0, 0, 612, 792]; // that programs take if there is none
const MAX_NUMBER = 2 ** 31 - 1;
const MAX_ERRORS = 2; // of a page in a file that was mended

/** A node of the tree, and the one that it hangs on. */
interface Node {
  readonly dictionary: PdfDictionary;
  readonly above: Node | undefined;
  /** Whether it, or one above it, has a size for its pages. */
  readonly hasBox: boolean;
  /** Whether it, or one above it, has resources for its pages. */
  readonly hasResources: boolean;
}

/**
 * List the pages of a document whose catalogue this is; refuse a tree that is none. In one that was
 * mended (`isMended`) what lacks too much is no page.
 */
export function listPages(root: PdfDictionary, isMended: boolean, budget: Budget): PdfDictionary[] {
  const top = findTop(root.get("Pages"));
  return new TreeReader(top, isMended, budget).read();
}

/** Some catalogues name a page, or a node in the middle: what it hangs on is meant. */
function findTop(untrusted: PdfValue | undefined): PdfDictionary {
  const seen = new Set<string>();
  let top = untrusted;
  while (top instanceof PdfDictionary && top.has("Parent")) {
    if (top.isIndirect && seen.has(top.id)) break;
    seen.add(top.id);
    top = top.get("Parent");
  }
  if (!(top instanceof PdfDictionary && top.has("Kids"))) throw new CleaningRefusal("malformed");
  return top;
}

class TreeReader {
  readonly #pages: PdfDictionary[] = [];
  readonly #nodes: Node[] = [];
  readonly #visited = new Set<string>();
  readonly #seen = new Set<string>();
  /** How much stands in the pages that were copied. */
  readonly #counts = new Map<string, number>();
  #isBroken = false;
  #copyCount = 0;

  constructor(
    private readonly top: PdfDictionary,
    private readonly isMended: boolean,
    private readonly budget: Budget,
  ) {}

  read(): PdfDictionary[] {
    // Each entry: a node, its kids, and which is next. Trees may be deeper than calls may be.
    const path: { node: Node; kids: readonly PdfItem[]; next: number }[] = [];
    const enter = (dictionary: PdfDictionary, above: Node | undefined) => {
      if (dictionary.isIndirect && this.#visited.has(dictionary.id)) {
        throw new CleaningRefusal("malformed");
      }
      this.#visited.add(dictionary.id);
      const hasBox = (above?.hasBox ?? false) || isRectangle(dictionary.get("MediaBox"));
      const hasResources =
        (above?.hasResources ?? false) || dictionary.get("Resources") instanceof PdfDictionary;
      const kids = dictionary.get("Kids");
      const items = kids instanceof PdfArray ? kids.items : [];
      path.push({ node: { dictionary, above, hasBox, hasResources }, kids: items, next: 0 });
    };
    enter(this.top, undefined);
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const item = last.kids[last.next++];
      if (item === undefined) {
        path.pop();
        continue;
      }
      const kid = follow(item);
      if (!(kid instanceof PdfDictionary)) this.#isBroken = true;
      else if (kid.has("Kids")) enter(kid, last.node);
      else this.#addPage(kid, item instanceof PdfReference, last.node);
    }
    if (this.#isBroken) this.#mend();
    return this.#pages;
  }

  #addPage(kid: PdfDictionary, isReferred: boolean, node: Node): void {
    if (this.isMended && isDoubtful(kid, isReferred, node, this.#seen)) {
      this.#isBroken = true;
      return;
    }
    if (!node.hasBox && !isRectangle(kid.get("MediaBox"))) {
      kid.entries.set("MediaBox", new PdfArray(USUAL_BOX.map((side) => PdfNumber.of(side))));
    }
    let page = kid;
    // A page that stands in the tree twice is two pages: each has its own number.
    if (!isReferred) page = new PdfDictionary(kid.entries, this.#number());
    else if (this.#seen.has(kid.id)) page = this.#copyPage(kid);
    this.#seen.add(page.id);
    this.#pages.push(page);
    this.#nodes.push(node);
    if (this.#pages.length > MAX_PAGES) throw new CleaningRefusal("too-complex");
  }

  #copyPage(page: PdfDictionary): PdfDictionary {
    const count = this.#counts.get(page.id) ?? countItems(page);
    this.#counts.set(page.id, count);
    this.budget.spend(TOKEN_BYTES * count);
    return new PdfDictionary(copyEntries(page), this.#number());
  }

  #number(): string {
    return `copy ${++this.#copyCount}`;
  }

  /** Where a page is missing, what the others have from above becomes their own. */
  #mend(): void {
    const count = this.top.get("Count");
    const length = this.#pages.length;
    const isKnown = count instanceof PdfNumber && count.isInteger && count.value <= MAX_NUMBER;
    if (!isKnown || length === 0 || count.value < length) throw new CleaningRefusal("malformed");
    for (const [i, page] of this.#pages.entries()) {
      for (let node = this.#nodes[i]; node !== undefined; node = node.above) {
        for (const key of INHERITED) {
          const item = node.dictionary.entries.get(key);
          if (item !== undefined && !page.has(key)) page.entries.set(key, item);
        }
      }
    }
    for (const page of this.#pages) page.entries.delete("Parent");
  }
}

/** Whether a page has more errors than a page of a file that was mended may have. */
function isDoubtful(
  page: PdfDictionary,
  isReferred: boolean,
  node: Node,
  seen: ReadonlySet<string>,
): boolean {
  if (isReferred && seen.has(page.id)) return true;
  const [annotations, type] = [page.get("Annots"), page.get("Type")];
  const errors = [
    !isReferred,
    !node.hasBox && !isRectangle(page.get("MediaBox")),
    !node.hasResources && !(page.get("Resources") instanceof PdfDictionary),
    annotations !== undefined && !(annotations instanceof PdfArray),
    !(type instanceof PdfName && type.name === "Page"),
  ].filter((isError) => isError).length;
  return errors + countTwice(annotations) > MAX_ERRORS;
}

/** How many references of a list stand in it before. */
function countTwice(value: PdfValue | undefined): number {
  if (!(value instanceof PdfArray)) return 0;
  const references = value.items.filter((item) => item instanceof PdfReference);
  const ids = references.map(({ number, generation }) => `${number} ${generation}`);
  return ids.length - new Set(ids).size;
}

/** Whether a value is an array of four numbers. */
export function isRectangle(value: PdfValue | undefined): value is PdfArray {
  return isNumbers(value, 4);
}

/** Whether a value is an array of so many numbers. */
export function isNumbers(value: PdfValue | undefined, count: number): value is PdfArray {
  if (!(value instanceof PdfArray) || value.length !== count) return false;
  return value.values().every((part) => part instanceof PdfNumber);
}

/** Count what stands in a dictionary or an array without a number of its own. */
export function countItems(value: PdfDictionary | PdfArray): number {
  const items = value instanceof PdfArray ? value.items : [...value.entries.values()];
  return items.reduce((count: number, item) => {
    const isContainer = item instanceof PdfArray || item instanceof PdfDictionary;
    return count + 1 + (isContainer ? countItems(item) : 0);
  }, 0);
}

/** Copy the entries of a dictionary, and what stands in them without a number of its own. */
export function copyEntries(dictionary: PdfDictionary): Map<string, PdfItem> {
  return new Map([...dictionary.entries].map(([name, item]) => [name, copyItem(item)]));
}

function copyItem(item: PdfItem): PdfItem {
  // The reader bounds how deep they lie in each other.
  if (item instanceof PdfArray) return new PdfArray(item.items.map(copyItem));
  return item instanceof PdfDictionary ? new PdfDictionary(copyEntries(item)) : item;
}
