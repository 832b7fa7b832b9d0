// TIFF 6.0: a head, directories with the tags of a page each, and pixels.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/tiff.py keeps them in Python.

import { type Bytes, isSame, join, joinAll, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { findIptcKinds, findPhotoshopKinds, findXmpKinds } from "./labels.js";
import { type Kind, measurePieces, type Plan, PlanBuilder } from "./plan.js";
import { EXIF_KINDS } from "./rules.js";
import type { Source } from "./source.js";
import { SRGB } from "./srgb.js";
import {
  type Entry,
  ENTRY_BYTES,
  HEAD_BYTES,
  LONG,
  MAX_DIRECTORIES,
  sizeOf,
  TiffFile,
} from "./tiffentries.js";
import {
  type Field,
  KEPT,
  KIND,
  MAX_PARTS_OF_PIXELS,
  type Page,
  PROFILE,
  PROFILES,
  readPage,
} from "./tiffpages.js";

const BIG = ["II+\0", "MM\0+"];
export const SIGNATURES: readonly string[] = ["II*\0", "MM\0*", ...BIG];

const MAX_LOOKED_AT_BYTES = 4 * 1024 * 1024; // of all values that go
const MAX_WRITTEN_BYTES = 8 * 1024 * 1024; // of directories; thousands of pages take one
const MAX_BELOW = 64; // directories that one tag names; a pyramid has about ten

const OLD_KIND = 255;
const SMALLER = 1;
const MASK = 4;
const OLD_SMALLER = 2;
const MASK_COLOURS = 4;
const PHOTOMETRIC = 262;
const DNG = 0xc612;
const BELOW = 0x014a;
const DIRECTORIES: ReadonlyMap<number, string> = new Map([
  [0x8769, "exif"],
  [0x8825, "gps"],
  [0xa005, "interoperability"],
]);
const XMP = 0x02bc;
const IPTC = 0x83bb;
const PHOTOSHOP = 0x8649;
// What a page is, its resolution, its number: these say nothing that has a kind of its own.
const SILENT: readonly number[] = [KIND, OLD_KIND, 282, 283, 296, 297];

/** Plan the cleaning of a file that begins with one of `SIGNATURES`. */
export async function planTiff(source: Source): Promise<Plan> {
  const head = await source.read(0, 4);
  if (BIG.some((signature) => startsWith(head, signature))) {
    throw new CleaningRefusal("unsupported");
  }
  return new Reader(source, await TiffFile.open(source)).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  readonly #pages: Page[] = [];
  readonly #waiting: [string, number][] = [];
  #leftCount = MAX_PARTS_OF_PIXELS;
  #hasPreviews = false;
  #leftLookedAtBytes = MAX_LOOKED_AT_BYTES;
  #writtenBytes = HEAD_BYTES;

  constructor(
    private readonly source: Source,
    private readonly tiff: TiffFile,
  ) {
    this.#builder = new PlanBuilder("tiff", source);
  }

  async read(): Promise<Plan> {
    let following = this.tiff.first;
    while (following !== 0) {
      const [entries, next] = await this.tiff.readDirectory(following);
      following = next;
      await this.#readPage(entries);
    }
    if (this.#pages.length === 0) {
      throw new CleaningRefusal(this.tiff.first === 0 ? "malformed" : "unsupported");
    }
    for (let below = this.#waiting.pop(); below !== undefined; below = this.#waiting.pop()) {
      await this.#lookBelow(...below);
    }
    const end = this.tiff.checkRegions();
    // Where the pixels of previews lie was not looked at.
    if (end + (end % 2) < this.source.lengthBytes && !this.#hasPreviews) {
      this.#builder.find("trailing");
    }
    await this.#write();
    return this.#builder.build();
  }

  async #readPage(entries: readonly Entry[]): Promise<void> {
    if (entries.some((entry) => entry.tag === DNG)) throw new CleaningRefusal("unsupported");
    const isSmaller = await this.#isSmaller(entries);
    if (isSmaller) {
      this.#findPreview();
    } else if (
      (await this.#readOne(entries, KIND)) & MASK ||
      (await this.#readOne(entries, PHOTOMETRIC)) === MASK_COLOURS
    ) {
      throw new CleaningRefusal("unsupported");
    } else {
      const page = await readPage(this.tiff, this.#builder, entries, this.#leftCount);
      this.#leftCount -= page.parts.length;
      this.#writtenBytes += measurePage(page);
      if (this.#writtenBytes > MAX_WRITTEN_BYTES) throw new CleaningRefusal("too-complex");
      this.#pages.push(page);
    }
    for (const entry of entries) {
      if (isSmaller || !KEPT.has(entry.tag)) {
        await this.#lookAt(isSmaller ? "preview" : "image", entry);
      }
    }
  }

  async #isSmaller(entries: readonly Entry[]): Promise<boolean> {
    if ((await this.#readOne(entries, KIND)) & SMALLER) return true;
    return (await this.#readOne(entries, OLD_KIND)) === OLD_SMALLER;
  }

  async #readOne(entries: readonly Entry[], tag: number): Promise<number> {
    const entry = entries.find((one) => one.tag === tag && one.count === 1);
    return entry === undefined ? 0 : ((await this.tiff.readNumbers(entry))[0] as number);
  }

  // --- what is not kept ---------------------------------------------------------------------------

  async #lookAt(name: string, entry: Entry): Promise<void> {
    const { tag } = entry;
    const directory = DIRECTORIES.get(tag);
    const isImage = name === "image" || name === "preview" || name === "interoperability";
    if (directory !== undefined) {
      await this.#wait(directory, entry);
    } else if (tag === BELOW) {
      this.#findPreview();
      await this.#wait("below", entry);
    } else if (!isImage) {
      if (name === "gps") this.#builder.find("place");
      const known = EXIF_KINDS.get(name)?.get(tag) ?? [];
      this.#builder.find(...(known.length > 0 || name === "gps" ? known : ["other" as const]));
    } else if (!SILENT.includes(tag) && !(await this.#isSrgb(entry))) {
      const known = await this.#findKinds(entry);
      const otherwise = name === "preview" ? "preview" : "other";
      this.#builder.find(...(known.length > 0 ? known : [otherwise as Kind]));
    }
  }

  #findPreview(): void {
    this.#hasPreviews = true;
    this.#builder.find("preview");
  }

  /** Whether an entry is the profile that stands in the place of any other. */
  async #isSrgb({ tag, offset, lengthBytes }: Entry): Promise<boolean> {
    if (tag !== PROFILE || lengthBytes !== SRGB.length) return false;
    return isSame(await this.source.readUpTo(offset, lengthBytes), SRGB);
  }

  async #findKinds(entry: Entry): Promise<readonly Kind[]> {
    if (PROFILES.includes(entry.tag)) return ["profile"];
    if (![XMP, IPTC, PHOTOSHOP].includes(entry.tag)) {
      return EXIF_KINDS.get("image")?.get(entry.tag) ?? [];
    }
    const length = Math.min(entry.lengthBytes, this.#leftLookedAtBytes);
    this.#leftLookedAtBytes -= length;
    const content = await this.source.readUpTo(entry.offset, length);
    if (entry.tag === XMP) return findXmpKinds(content);
    return entry.tag === PHOTOSHOP ? findPhotoshopKinds(content) : [...findIptcKinds(content)];
  }

  /** Note the directories that an entry names. */
  async #wait(name: string, entry: Entry): Promise<void> {
    if (entry.count === 0) throw new CleaningRefusal("malformed");
    if (entry.count > MAX_BELOW) throw new CleaningRefusal("too-complex");
    for (const offset of await this.tiff.readNumbers(entry)) this.#waiting.push([name, offset]);
    if (this.#waiting.length > MAX_DIRECTORIES) throw new CleaningRefusal("too-complex");
  }

  async #lookBelow(name: string, offset: number): Promise<void> {
    this.#builder.countPart();
    if (this.tiff.isSeen(offset) || !(await this.tiff.hasDirectory(offset))) {
      // It goes, whatever it is.
      this.#builder.find("other");
      return;
    }
    const [entries] = await this.tiff.readDirectory(offset);
    const isBelow = name === "below";
    // The picture itself may be there, and what was taken for it a preview.
    if (isBelow && !(await this.#isSmaller(entries))) throw new CleaningRefusal("unsupported");
    for (const entry of entries) await this.#lookAt(isBelow ? "preview" : name, entry);
  }

  // --- what is written anew -----------------------------------------------------------------------

  async #write(): Promise<void> {
    let pixelsAt = this.#writtenBytes;
    const head: Bytes[] = [(await this.source.read(0, 4)).slice(), this.tiff.encode(HEAD_BYTES, 4)];
    let position = HEAD_BYTES;
    for (const [number, page] of this.#pages.entries()) {
      const next = position + measurePage(page);
      const counts = page.parts.map(measurePieces);
      const offsets: number[] = [];
      for (const count of counts) {
        offsets.push(pixelsAt);
        pixelsAt += count;
      }
      if (pixelsAt >= 2 ** 32) throw new CleaningRefusal("too-complex");
      const fields = [
        ...page.fields,
        this.#field(page.offsetsTag, offsets),
        this.#field(page.countsTag, counts),
      ];
      const following = number + 1 < this.#pages.length ? next : 0;
      head.push(this.#formatDirectory(fields, position, following));
      position = next;
    }
    this.#builder.write(joinAll(head));
    for (const page of this.#pages) {
      for (const piece of page.parts.flat()) this.#builder.keep(piece.offset, piece.lengthBytes);
    }
  }

  #field(tag: number, numbers: readonly number[]): Field {
    const content = new Uint8Array(4 * numbers.length);
    numbers.forEach((number, place) => content.set(this.tiff.encode(number, 4), 4 * place));
    return { tag, type: LONG, content };
  }

  #formatDirectory(fields: readonly Field[], position: number, following: number): Bytes {
    const { tiff } = this;
    let valuesAt = position + 6 + ENTRY_BYTES * fields.length;
    const entries: Bytes[] = [tiff.encode(fields.length, 2)];
    const values: Bytes[] = [];
    for (const field of [...fields].sort((one, other) => one.tag - other.tag)) {
      const { content } = field;
      entries.push(tiff.encode(field.tag, 2), tiff.encode(field.type, 2));
      entries.push(tiff.encode(content.length / sizeOf(field.type), 4));
      if (content.length <= 4) {
        entries.push(join(content, new Uint8Array(4 - content.length)));
        continue;
      }
      entries.push(tiff.encode(valuesAt, 4));
      const value = join(content, new Uint8Array(content.length % 2));
      values.push(value);
      valuesAt += value.length;
    }
    return joinAll([...entries, tiff.encode(following, 4), ...values]);
  }
}

function measurePage(page: Page): number {
  const places = sizeOf(LONG) * page.parts.length;
  const lengths = [...page.fields.map((field) => field.content.length), places, places];
  const values = lengths.filter((length) => length > 4).map((length) => length + (length % 2));
  return 6 + ENTRY_BYTES * lengths.length + values.reduce((sum, length) => sum + length, 0);
}
