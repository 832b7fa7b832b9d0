// What is seen of a PDF's annotations, drawn onto their pages (ISO 32000-1, 12.5.5).
//
// 1. An annotation is drawn by its normal appearance, which is fitted into its rectangle; hidden
//    ones are not drawn, nor those for paper alone. Nothing else of it is reached afterwards.
// 2. A field's appearance may also use the resources of the whole form.
// 3. To draw on a page is to add to its resources: what it shares with others is copied. It is spent
//    for each page as soon as one is drawn on, since qpdf copies them all.
//
// Which are drawn, and how, is qpdf's way: for Python it does the same.

import { latin1 } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Budget } from "./pdffilters.js";
import { type FieldTree, isWidget } from "./pdffieldtree.js";
import {
  concat,
  formatMatrix,
  type Matrix,
  readNumbers,
  readRectangle,
  type Rectangle,
  rotate,
  transform,
  UNCHANGED,
} from "./pdfmatrix.js";
import {
  DIRECT,
  PdfArray,
  PdfDictionary,
  PdfName,
  PdfNumber,
  PdfReference,
  PdfStream,
  type PdfItem,
  type PdfValue,
} from "./pdfobjects.js";
import { copyEntries, countItems, isNumbers, isRectangle, MAX_PARENTS } from "./pdfpagetree.js";
import { PDF_RULES } from "./pdfrules.js";
import { listOf } from "./pdfstreams.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import { readName } from "./pdfvalues.js";

const DRAWN_NOTES: ReadonlySet<string> = new Set(PDF_RULES.drawn_notes);
const UNKNOWN = 1; // of an annotation's flags: not shown if a viewer does not know its kind
const HIDDEN = 2 | 32; // hidden, not for screens
const NOT_ON_SCREENS = UNKNOWN | HIDDEN;
const UPRIGHT = 16; // whatever the page is turned by
const LARGEST_INTEGER = 2 ** 31 - 1;

/** Draw the annotations of all pages onto them. */
export function drawAnnotations(
  pages: readonly PdfDictionary[],
  form: PdfDictionary,
  tree: FieldTree,
  budget: Budget,
): void {
  const shared = form.get("DR");
  const sharedBytes = TOKEN_BYTES * countNames(shared);
  const share = (widget: PdfDictionary, appearance: PdfDictionary): void => {
    if (!isWidget(widget) || tree.find(widget) === undefined) return;
    budget.spend(sharedBytes);
    if (appearance.entries.get("Resources") instanceof PdfReference) {
      copyEntry(appearance, "Resources");
    }
    const own = appearance.get("Resources");
    if (own instanceof PdfDictionary && shared instanceof PdfDictionary) merge(own, shared);
  };
  // What is left of a list that several pages have: qpdf takes out of it what it drew.
  const left = new Map<string, PdfDictionary[]>();
  spendForDrawing(pages, budget);
  for (const [i, page] of pages.entries()) {
    const annotations = page.get("Annots");
    if (!(annotations instanceof PdfArray)) continue;
    const found =
      left.get(annotations.id) ??
      annotations.values().filter((one) => one instanceof PdfDictionary);
    // Links have no appearance, and most pages have links alone.
    const others = found.filter((one) => !one.has("AP"));
    if (others.length === found.length) continue;
    if (others.length > 0 && annotations.id !== DIRECT) left.set(annotations.id, others);
    new PageDrawer(page, share).draw(found, i);
  }
}

/** The normal appearance of an annotation, in the state that it is in. */
export function findAppearance(annotation: PdfDictionary): PdfStream | undefined {
  const appearances = annotation.get("AP");
  if (!(appearances instanceof PdfDictionary)) return undefined;
  const normal = appearances.get("N");
  if (normal instanceof PdfStream) return normal;
  const state = readName(annotation.get("AS"));
  const found = normal instanceof PdfDictionary && state !== "" ? normal.get(state) : undefined;
  return found instanceof PdfStream ? found : undefined;
}

/** Hold that what viewers show of a note by themselves can be drawn: it has a picture of its own. */
export function checkNote(note: PdfDictionary): void {
  if (!DRAWN_NOTES.has(readName(note.get("Subtype")))) return;
  const flags = readInteger(note, "F");
  if ((flags & HIDDEN) !== 0) return;
  if ((flags & UNKNOWN) !== 0 || findAppearance(note) === undefined) {
    throw new CleaningRefusal("unsupported");
  }
}

/** An integer of a dictionary, within the bounds of C; 0 if there is none. */
function readInteger(dictionary: PdfDictionary, name: string): number {
  const found = dictionary.get(name);
  if (!(found instanceof PdfNumber && found.isInteger)) return 0;
  return Math.max(-LARGEST_INTEGER - 1, Math.min(LARGEST_INTEGER, found.value));
}

function readFlags(annotation: PdfDictionary): number {
  const found = annotation.get("F");
  const isGiven = found instanceof PdfNumber && found.isInteger;
  const flags = readInteger(annotation, "F");
  if (isGiven && found.value !== flags) throw new CleaningRefusal("malformed");
  return flags;
}

class PageDrawer {
  readonly #resources: PdfDictionary;
  readonly #names: Set<string>;
  readonly #angle: number;
  #number = 1;

  constructor(
    private readonly page: PdfDictionary,
    /** Gives the appearance of a field what it may use of the form's resources. */
    private readonly share: (annotation: PdfDictionary, appearance: PdfDictionary) => void,
  ) {
    this.#resources = takeResources(page);
    this.#names = listNames(this.#resources);
    this.#angle = readInteger(page, "Rotate");
  }

  draw(annotations: readonly PdfDictionary[], number: number): void {
    const drawn = annotations.map((annotation) => this.#draw(annotation)).join("");
    const contents = listOf(this.page.get("Contents")).filter((part) => part instanceof PdfStream);
    const before = makeContents("q\n", `before ${number}`);
    const behind = makeContents(`\nQ\n${drawn}`, `behind ${number}`);
    this.page.entries.set("Contents", new PdfArray([before, ...contents, behind]));
    this.page.entries.delete("Annots");
  }

  #draw(annotation: PdfDictionary): string {
    const appearance = findAppearance(annotation);
    if (appearance === undefined) return "";
    this.share(annotation, appearance.dictionary);
    while (this.#names.has(`Fxo${this.#number}`)) this.#number++;
    const matrix = fit(annotation, appearance, this.#angle);
    if (matrix === undefined) return "";
    appearance.dictionary.entries.set("Subtype", new PdfName("Form"));
    const name = `Fxo${this.#number}`;
    this.#add(name, appearance);
    return `q\n${formatMatrix(matrix)} cm\n/${name} Do\nQ\n`;
  }

  #add(name: string, appearance: PdfStream): void {
    if (!this.#resources.has("XObject")) {
      this.#resources.entries.set("XObject", new PdfDictionary());
    } else if (this.#resources.entries.get("XObject") instanceof PdfReference) {
      copyEntry(this.#resources, "XObject");
    }
    this.#number++;
    const drawings = this.#resources.get("XObject");
    if (!(drawings instanceof PdfDictionary)) return;
    drawings.entries.set(name, appearance);
    this.#names.add(name);
  }
}

/** Add what a dictionary of resources has not yet. */
function merge(own: PdfDictionary, other: PdfDictionary): void {
  for (const category of other.keys()) {
    const added = other.get(category);
    if (!own.has(category)) {
      own.entries.set(category, added as PdfItem);
      copyEntry(own, category);
      continue;
    }
    if (!(own.get(category) instanceof PdfDictionary && added instanceof PdfDictionary)) continue;
    if (own.entries.get(category) instanceof PdfReference) copyEntry(own, category);
    const entries = (own.get(category) as PdfDictionary).entries;
    for (const name of added.keys()) {
      if (!(own.get(category) as PdfDictionary).has(name)) {
        entries.set(name, added.entries.get(name) as PdfItem);
      }
    }
  }
}

/** Put a copy of a dictionary in the place of what others may refer to as well. */
function copyEntry(dictionary: PdfDictionary, name: string): void {
  const found = dictionary.get(name);
  if (found instanceof PdfDictionary) {
    dictionary.entries.set(name, new PdfDictionary(copyEntries(found)));
  }
}

/** Spend for what is copied of the pages' resources, and for the names that are looked at. */
function spendForDrawing(pages: readonly PdfDictionary[], budget: Budget): void {
  const noted = pages.map(hasDrawing);
  if (!noted.includes(true)) return;
  const itemLens = new Map<PdfDictionary, number>();
  for (const [i, page] of pages.entries()) {
    const { resources, isOwn } = findResources(page);
    if (resources === undefined) continue;
    if (!isOwn) {
      const itemLen = itemLens.get(resources) ?? countItems(resources);
      itemLens.set(resources, itemLen);
      budget.spend(TOKEN_BYTES * itemLen);
    }
    if (noted[i] === true) budget.spend(TOKEN_BYTES * countNames(resources));
  }
}

function hasDrawing(page: PdfDictionary): boolean {
  const listed = page.get("Annots");
  if (!(listed instanceof PdfArray)) return false;
  return listed.values().some((note) => note instanceof PdfDictionary && note.has("AP"));
}

/** The resources of a page, and whether nothing else has them. */
function findResources(page: PdfDictionary): {
  readonly resources: PdfDictionary | undefined;
  readonly isOwn: boolean;
} {
  let node = page;
  for (let i = 0; i < MAX_PARENTS; i++) {
    const found = node.get("Resources");
    if (found !== undefined) {
      const isOwn = node === page && !(page.entries.get("Resources") instanceof PdfReference);
      return { resources: found instanceof PdfDictionary ? found : undefined, isOwn };
    }
    const above = node.get("Parent");
    if (!(above instanceof PdfDictionary)) return { resources: undefined, isOwn: false };
    node = above;
  }
  throw new CleaningRefusal("too-complex");
}

/** The resources of a page, which nothing else has. */
function takeResources(page: PdfDictionary): PdfDictionary {
  const { resources: found, isOwn } = findResources(page);
  if (isOwn && found !== undefined) return found;
  const resources = new PdfDictionary(found === undefined ? undefined : copyEntries(found));
  page.entries.set("Resources", resources);
  return resources;
}

/** Count the names in resources, of all categories. */
export function countNames(resources: PdfValue | undefined): number {
  if (!(resources instanceof PdfDictionary)) return 0;
  const parts = resources.keys().map((category) => resources.get(category));
  return parts.reduce((sum: number, part) => {
    return sum + (part instanceof PdfDictionary ? part.keys().length : 0);
  }, 0);
}

function listNames(resources: PdfDictionary): Set<string> {
  const names = new Set<string>();
  for (const category of resources.keys()) {
    const found = resources.get(category);
    if (found instanceof PdfDictionary) for (const name of found.keys()) names.add(name);
  }
  return names;
}

function makeContents(text: string, id: string): PdfStream {
  const data = latin1(text);
  return new PdfStream(new PdfDictionary(new Map<string, PdfItem>(), id), () => data);
}

/** What an appearance is changed by to lie in its rectangle; undefined if it is not shown. */
function fit(annotation: PdfDictionary, appearance: PdfStream, angle: number): Matrix | undefined {
  const flags = readFlags(annotation);
  const box = appearance.get("BBox");
  const place = annotation.get("Rect");
  if (flags & NOT_ON_SCREENS || !isRectangle(box) || !isRectangle(place)) return undefined;
  const own = appearance.get("Matrix");
  let matrix = isNumbers(own, 6) ? (readNumbers(own) as unknown as Matrix) : UNCHANGED;
  let target = readRectangle(place);
  const isTurned = angle !== 0 && (flags & UPRIGHT) !== 0;
  if (isTurned) {
    matrix = concat(rotate(UNCHANGED, angle), matrix);
    target = turnAbout(target, angle);
  }
  const [left, lower, right, upper] = transform(matrix, readRectangle(box));
  if (left === right || lower === upper) return undefined;
  const [targetLeft, targetLower, targetRight, targetUpper] = target;
  const width = (targetRight - targetLeft) / (right - left);
  const height = (targetUpper - targetLower) / (upper - lower);
  let fitted = concat(UNCHANGED, [1, 0, 0, 1, targetLeft, targetLower]);
  fitted = concat(fitted, [width, 0, 0, height, 0, 0]);
  fitted = concat(fitted, [1, 0, 0, 1, -left, -lower]);
  return isTurned ? rotate(fitted, angle) : fitted;
}

/** Turn a rectangle about its upper left corner. */
function turnAbout([left, lower, right, upper]: Rectangle, angle: number): Rectangle {
  const [width, height] = [right - left, upper - lower];
  switch (angle) {
    case 90:
      return [left, upper, left + height, upper + width];
    case 180:
      return [left - width, upper, left, upper + height];
    case 270:
      return [left - height, upper - width, left, upper];
    default:
      return [left, lower, right, upper];
  }
}
