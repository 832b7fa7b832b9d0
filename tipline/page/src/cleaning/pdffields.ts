// What was filled into a form and has no picture yet, drawn into the appearances of its fields
// (ISO 32000-1, 12.7.3.3): only where the form asks for it by `NeedAppearances`.
//
// A text is written into the middle of its field, in the font that the field names. Boxes that are
// ticked get the appearance of their value. What is drawn, and where, is qpdf's way: for Python it
// does the same.

import { latin1 } from "./bytes.js";
import { findAppearance } from "./pdfannotations.js";
import type { PdfCopier } from "./pdfcopy.js";
import { CleaningRefusal } from "./errors.js";
import { type FieldTree, inherit, inheritInteger, isWidget } from "./pdffieldtree.js";
import { drawValue, placeAppearance } from "./pdffieldtext.js";
import { formatDecimal, readRectangle, type Rectangle } from "./pdfmatrix.js";
import {
  PdfArray,
  PdfDictionary,
  type PdfItem,
  PdfName,
  PdfNumber,
  PdfStream,
  PdfString,
} from "./pdfobjects.js";
import { isRectangle } from "./pdfpagetree.js";
import { decodeText } from "./pdftext.js";
import { longText } from "./pdfescapes.js";
import type { Budget } from "./pdffilters.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import { type Found, readName } from "./pdfvalues.js";

const RADIO = 1 << 15; // of the flags of a button
const PUSH = 1 << 16;
const COMBO = 1 << 17; // of the flags of a choice
const DIGITS = 6; // behind the point of a number that is reckoned
const EMPTY = "/Tx BMC\nEMC\n"; // of a text that is not drawn yet

/** Draw what was filled in into the appearances of a form's fields on these pages. */
export async function fillFields(
  pages: readonly PdfDictionary[],
  form: PdfDictionary,
  tree: FieldTree,
  copier: PdfCopier,
): Promise<void> {
  if (form.get("NeedAppearances") !== true) return;
  let count = 0;
  for (const page of pages) {
    const annotations = page.get("Annots");
    for (const widget of annotations instanceof PdfArray ? annotations.values() : []) {
      if (!isWidget(widget)) continue;
      const field = tree.find(widget);
      if (field === undefined) continue;
      const type = readName(inherit(field, "FT"));
      if (type === "Btn") setButton(field, copier.budget);
      else if (type === "Tx" || type === "Ch") {
        await new TextDrawer(field, widget, form, copier).draw(`field ${count++}`);
      }
    }
  }
}

// --- texts and choices ---------------------------------------------------------------------------

class TextDrawer {
  constructor(
    private readonly field: PdfDictionary,
    private readonly widget: PdfDictionary,
    private readonly form: PdfDictionary,
    private readonly copier: PdfCopier,
  ) {}

  async draw(id: string): Promise<void> {
    const appearance = findAppearance(this.widget);
    const entries =
      appearance === undefined ? this.#makeEntries() : new Map(appearance.dictionary.entries);
    const dictionary = new PdfDictionary(entries, id);
    const box = dictionary.get("BBox");
    if (!isRectangle(box)) return;
    const before = appearance === undefined ? EMPTY : await this.#read(appearance);
    const drawn = drawValue(
      {
        look: this.#findLook(),
        value: readText(inherit(this.field, "V")),
        choices: this.#listChoices(),
        findFont: (name) => this.#findFont(dictionary, name),
      },
      readRectangle(box),
      this.copier.budget,
    );
    const data = latin1(placeAppearance(before, drawn, this.copier.budget));
    for (const key of ["Filter", "DecodeParms"]) entries.delete(key);
    const own = entries.get("Resources");
    if (own instanceof PdfDictionary) {
      entries.set("Resources", new PdfDictionary(new Map(own.entries)));
    }
    this.#put(new PdfStream(dictionary, () => data), appearance !== undefined);
  }

  /** Put an appearance where the one before was found; several widgets may have it there. */
  #put(stream: PdfStream, isReplaced: boolean): void {
    const own = this.widget.get("AP");
    if (isReplaced && own instanceof PdfDictionary) {
      const states = own.get("N");
      const isStated = states instanceof PdfDictionary;
      if (isStated) states.entries.set(readName(this.widget.get("AS")), stream);
      else own.entries.set("N", stream);
      return;
    }
    const shared = this.field.get("AP");
    if (shared instanceof PdfDictionary) {
      shared.entries.set("N", stream);
    } else {
      const entries = new Map<string, PdfItem>([["N", stream]]);
      this.widget.entries.set("AP", new PdfDictionary(entries));
    }
  }

  #makeEntries(): Map<string, PdfItem> {
    const place = this.widget.get("Rect");
    const rectangle: Rectangle = isRectangle(place) ? readRectangle(place) : [0, 0, 0, 0];
    const [left, lower, right, upper] = rectangle;
    const sides = [0, 0, right - left, upper - lower].map(
      (side) => new PdfNumber(formatDecimal(side, DIGITS), false),
    );
    return new Map<string, PdfItem>([
      ["Type", new PdfName("XObject")],
      ["Subtype", new PdfName("Form")],
      ["BBox", new PdfArray(sides)],
      ["Resources", new PdfDictionary()],
    ]);
  }

  async #read(appearance: PdfStream): Promise<string> {
    try {
      return longText(await this.copier.decode(appearance));
    } catch (error) {
      // In Python it is qpdf that reads it, and has one word for all that it cannot.
      if (!(error instanceof CleaningRefusal) || error.reason === "too-complex") throw error;
      throw new CleaningRefusal("malformed");
    }
  }

  /** What a field says of its font and colour, in the words of what draws a page. */
  #findLook(): string {
    const own = inherit(this.field, "DA");
    const found = own instanceof PdfString ? own : this.form.get("DA");
    // qpdf reads it as a text, and writes it as UTF-8.
    return longText(new TextEncoder().encode(readText(found)));
  }

  #listChoices(): string[] {
    const isList = readName(inherit(this.field, "FT")) === "Ch";
    if (!isList || inheritInteger(this.field, "Ff") & COMBO) return [];
    const listed = inherit(this.field, "Opt");
    const choices: string[] = [];
    for (const item of listed instanceof PdfArray ? listed.values() : []) {
      const shown = item instanceof PdfArray && item.length === 2 ? item.at(1) : item;
      if (shown instanceof PdfString) choices.push(decodeText(shown.text));
    }
    return choices;
  }

  #findFont(appearance: PdfDictionary, name: string): PdfDictionary | undefined {
    for (const resources of [appearance.get("Resources"), this.form.get("DR")]) {
      const fonts = resources instanceof PdfDictionary ? resources.get("Font") : undefined;
      const font = fonts instanceof PdfDictionary ? fonts.get(name) : undefined;
      if (font instanceof PdfDictionary) return font;
    }
    return undefined;
  }
}

function readText(value: Found): string {
  return value instanceof PdfString ? decodeText(value.text) : "";
}

// --- buttons -------------------------------------------------------------------------------------

/** Give a box, or the buttons of a choice, the appearance of its value. */
function setButton(field: PdfDictionary, budget: Budget): void {
  const value = inherit(field, "V");
  if (!(value instanceof PdfName)) return;
  const flags = inheritInteger(field, "Ff");
  if ((flags & (RADIO | PUSH)) === 0) setBox(field, value, budget);
  else if (flags & RADIO) setRadio(field, value, budget);
}

function setBox(field: PdfDictionary, value: PdfName, budget: Budget): void {
  const box = findPicture(field);
  let name = "Off";
  if (value.name !== "Off") {
    const states = box === undefined ? undefined : (box.get("AP") as PdfDictionary).get("N");
    if (states instanceof PdfDictionary) budget.spend(TOKEN_BYTES * states.entries.size);
    const listed = states instanceof PdfDictionary ? states.keys() : [];
    name = listed.find((state) => state !== "Off") ?? "Yes";
  }
  field.entries.set("V", new PdfName(name));
  box?.entries.set("AS", new PdfName(name));
}

function setRadio(field: PdfDictionary, value: PdfName, budget: Budget): void {
  const kids = field.get("Kids");
  if (!(kids instanceof PdfArray)) {
    // One of the buttons: what is above it knows them all.
    const above = field.get("Parent");
    if (above instanceof PdfDictionary && isRadio(above) && above.get("Kids") instanceof PdfArray) {
      setRadio(above, value, budget);
    }
    return;
  }
  budget.spend(TOKEN_BYTES * kids.length);
  field.entries.set("V", value);
  for (const kid of kids.values()) {
    const button = kid instanceof PdfDictionary ? findPicture(kid) : undefined;
    if (button === undefined) continue;
    const states = (button.get("AP") as PdfDictionary).get("N");
    const isOn = states instanceof PdfDictionary && states.has(value.name);
    button.entries.set("AS", new PdfName(isOn ? value.name : "Off"));
  }
}

function isRadio(field: PdfDictionary): boolean {
  const flags = inheritInteger(field, "Ff");
  return readName(inherit(field, "FT")) === "Btn" && (flags & RADIO) !== 0;
}

/** A field itself if it has appearances, or the first below it that has. */
function findPicture(field: PdfDictionary): PdfDictionary | undefined {
  const kids = field.get("Kids");
  const below = kids instanceof PdfArray ? kids.values() : [];
  return [field, ...below].find(
    (one): one is PdfDictionary =>
      one instanceof PdfDictionary && one.get("AP") instanceof PdfDictionary,
  );
}
