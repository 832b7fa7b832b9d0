// A whole PDF: looked at for what is refused, flattened, and copied.
//
// tipline/cleaning/pdf_document.py keeps the same rules in Python, where qpdf reads and flattens.

import { type Bytes, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { checkNote, countNames, drawAnnotations } from "./pdfannotations.js";
import { checkObjects } from "./pdfbounds.js";
import { ColourCopier } from "./pdfcolours.js";
import { PdfCopier } from "./pdfcopy.js";
import { fillFields } from "./pdffields.js";
import { FieldTree } from "./pdffieldtree.js";
import { Budget } from "./pdffilters.js";
import {
  follow,
  PdfArray,
  PdfDictionary,
  PdfNumber,
  PdfString,
  type PdfValue,
} from "./pdfobjects.js";
import { PageCopier, readPart } from "./pdfpages.js";
import { listPages } from "./pdfpagetree.js";
import { openPdf, type PdfDocument } from "./pdfreader.js";
import { findWord } from "./pdfsearch.js";
import { TOKEN_BYTES } from "./pdftokens.js";
import { FontCopier } from "./pdftype.js";
import { countOf, listOf } from "./pdfstreams.js";
import { type Found, readName } from "./pdfvalues.js";
import { formatDictionary } from "./pdfwriter.js";
import type { Kind } from "./plan.js";

const MAX_ANNOTATIONS = 20_000; // of a file; a long form has a thousand fields
const MAX_PAGE_ANNOTATIONS = 4_000; // qpdf's time for them is Python's bound
const MAX_FIELD_PARENTS = 64; // between a field and the form; five are many

const MOVING: ReadonlySet<string> = new Set(["Screen", "Movie", "Sound", "RichMedia", "3D"]);
const QUIET_ANNOTATIONS: ReadonlySet<string> = new Set([
  "Link",
  "Widget",
  "Popup",
  "TrapNet",
  "PrinterMark",
]);
const PASSWORD = 1 << 13; // of a field's flags
const MANY_VERSIONS = 2; // of the ends in a file that is made for reading over a network
const END_WORD = "startxref";
const END = /^startxref[\t-\r ]+[0-9]+[\t-\r ]+%%EOF/;
const MAX_END_BYTES = 256; // thirty are common
const WHITE: ReadonlySet<number> = new Set([0, 9, 10, 13, 32]);

type Find = (...kinds: readonly Kind[]) => void;

/** Clean a PDF; `find` is told the kinds of what goes. */
export async function cleanDocument(untrusted: Bytes, find: Find): Promise<Bytes> {
  await checkObjects(untrusted);
  const document = await openPdf(untrusted);
  noteVersions(untrusted, document, find);
  return new Cleaner(document, find).clean();
}

/** Note what lies behind the end, and earlier versions of the file. */
function noteVersions(untrusted: Bytes, document: PdfDocument, find: Find): void {
  const ends: number[] = [];
  let at = findWord(untrusted, END_WORD, 0);
  for (; at >= 0; at = findWord(untrusted, END_WORD, at + 1)) {
    const match = END.exec(textOf(untrusted.subarray(at, at + MAX_END_BYTES)));
    if (match !== null) ends.push(at + match[0].length);
  }
  const last = ends.at(-1) ?? untrusted.length;
  if (untrusted.subarray(last).some((code) => !WHITE.has(code))) find("trailing");
  // One that is made for reading over a network has two tables, and is one version.
  const isLater = document.isLinearized
    ? ends.length > MANY_VERSIONS
    : document.trailer.has("Prev");
  if (isLater) find("history");
}

class Cleaner {
  readonly #root: PdfDictionary;
  readonly #copier: PdfCopier;
  readonly #pages: PageCopier;

  constructor(
    private readonly document: PdfDocument,
    private readonly find: Find,
  ) {
    this.#root = document.root;
    this.#copier = new PdfCopier(find);
    this.#pages = new PageCopier(this.#copier);
    new ColourCopier(this.#copier);
    new FontCopier(this.#copier, this.#pages);
  }

  async clean(): Promise<Bytes> {
    // Of a file that was mended it is asked first whether it has pages, as qpdf does.
    const mended = this.document.isMended ? this.#listPages() : undefined;
    this.#check();
    await this.#noteDocument();
    const pages = mended ?? this.#listPages();
    this.#noteAnnotations(pages);
    const form = readPart(this.#root, "AcroForm");
    const { budget } = this.#copier;
    const fields = new FieldTree(form, pages, budget);
    await fillFields(pages, form, fields, this.#copier);
    drawAnnotations(pages, form, fields, budget);
    const { writer } = this.#copier;
    const [root, tree] = [writer.reserve(), writer.reserve()];
    const kids: string[] = [];
    for (const page of pages) {
      kids.push(`${await this.#pages.copyPage(page, tree)} 0 R`);
      await this.#copier.copyWaiting();
    }
    const catalogue = new Map([
      ["Type", "/Catalog"],
      ["Pages", `${tree} 0 R`],
    ]);
    writer.put(root, formatDictionary(catalogue));
    const entries = new Map([
      ["Type", "/Pages"],
      ["Count", String(kids.length)],
      ["Kids", `[${kids.join(" ")}]`],
    ]);
    writer.put(tree, formatDictionary(entries));
    return writer.build(root);
  }

  #listPages(): PdfDictionary[] {
    const pages = listPages(this.#root, this.document.isMended, new Budget());
    if (pages.length === 0) throw new CleaningRefusal("malformed");
    return pages;
  }

  // --- what is refused ---------------------------------------------------------------------------

  #check(): void {
    const root = this.#root;
    if (root.has("Collection") || readPart(root, "AcroForm").has("XFA")) {
      throw new CleaningRefusal("unsupported");
    }
    const layers = readPart(root, "OCProperties");
    const first = readPart(layers, "D");
    const isHidden =
      listOf(first.get("OFF")).length > 0 || readName(first.get("BaseState")) === "OFF";
    const listed = listOf(layers.get("OCGs"));
    if (listed.length > 0 && (isHidden || isHiddenByUse(listed))) {
      throw new CleaningRefusal("unsupported");
    }
  }

  // --- what goes ---------------------------------------------------------------------------------

  async #noteDocument(): Promise<void> {
    const { trailer } = this.document;
    for (const part of [this.#root, trailer, readPart(trailer, "Info")]) {
      for (const key of part.keys()) await this.#copier.noteDropped(key, part);
    }
    if (readPart(this.#root, "Names").has("EmbeddedFiles")) this.find("embedded");
  }

  #noteAnnotations(pages: readonly PdfDictionary[]): void {
    let count = 0;
    const shared = countNames(readPart(this.#root, "AcroForm").get("DR"));
    for (const page of pages) {
      const ownCount = countOf(page.get("Annots"));
      count += ownCount;
      if (count > MAX_ANNOTATIONS || ownCount > MAX_PAGE_ANNOTATIONS) {
        throw new CleaningRefusal("too-complex");
      }
      const annotations = listOf(page.get("Annots"));
      for (const annotation of annotations) {
        if (!(annotation instanceof PdfDictionary)) continue;
        this.#noteAnnotation(annotation);
        if (readName(annotation.get("Subtype")) === "Widget") {
          // Each is given what all have, and all buttons are looked through for each.
          this.#copier.budget.spend(TOKEN_BYTES * (shared + countButtons(annotation)));
        }
        // Viewers show stars; what is drawn would be letters.
        if (findFlags(annotation) & PASSWORD) annotation.entries.set("V", new PdfString(""));
      }
      const listed = page.get("Annots");
      if (listed instanceof PdfArray && annotations.some(isPopup)) {
        // Viewers show what it belongs to, and not the window itself.
        const items = listed.items.filter((item) => !isPopup(follow(item)));
        page.entries.set("Annots", new PdfArray(items, listed.id));
      }
    }
  }

  #noteAnnotation(annotation: PdfDictionary): void {
    checkNote(annotation);
    const name = readName(annotation.get("Subtype"));
    if (MOVING.has(name)) throw new CleaningRefusal("unsupported");
    if (name === "Link") this.find("text"); // the address
    if (name === "FileAttachment") this.find("embedded");
    if (!QUIET_ANNOTATIONS.has(name)) {
      this.find("history");
      if (annotation.has("T")) this.find("person");
    }
    if (annotation.has("M") || annotation.has("CreationDate")) this.find("time");
    if (readName(annotation.get("FT")) === "Sig" && annotation.has("V")) {
      this.find("person", "time");
    }
    this.#copier.checkLayer(annotation.get("OC"));
  }
}

function isPopup(annotation: PdfValue): boolean {
  return annotation instanceof PdfDictionary && readName(annotation.get("Subtype")) === "Popup";
}

/** Find the flags of a field, which it may have from those above it: those have an end. */
function findFlags(annotation: PdfDictionary): number {
  let field = annotation;
  let found: number | undefined;
  for (let count = 0; count < MAX_FIELD_PARENTS; count++) {
    const flags = field.get("Ff");
    if (typeof flags === "boolean") found ??= Number(flags);
    if (flags instanceof PdfNumber && flags.isInteger) found ??= flags.value % 2 ** 32;
    const above = field.get("Parent");
    if (!(above instanceof PdfDictionary)) return found ?? 0;
    field = above;
  }
  throw new CleaningRefusal("too-complex");
}

/** Count the widgets of the field that a widget is one of; a field in a group is none. */
function countButtons(widget: PdfDictionary): number {
  const above = readPart(widget, "Parent");
  const isOne = !widget.has("T") || readName(above.get("FT")) === "Btn";
  return isOne ? countOf(above.get("Kids")) : 0;
}

/**
 * Tell whether a layer is hidden on a screen, and shown on paper or in an export alone. Some viewers
 * hide it only where the document says when its use is to be looked at, some always.
 */
function isHiddenByUse(layers: readonly Found[]): boolean {
  return layers.some((layer) => {
    const use = readPart(readPart(layer, "Usage"), "View");
    return readName(use.get("ViewState")) === "OFF";
  });
}
