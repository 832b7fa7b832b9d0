// HEIC and AVIF (ISO/IEC 23008-12, AV1 Image File Format): a picture as an item, or as a grid of
// items.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/heif.py keeps them in Python.

import { type Box, formatBox, listNamed } from "./boxes.js";
import {
  bigEndian,
  type Bytes,
  encodeBigEndian,
  isSame,
  join,
  startsWith,
  textOf,
} from "./bytes.js";
import { READERS } from "./codecs.js";
import { readColours, type ShapeReader, takeExactly } from "./descriptions.js";
import { CleaningRefusal } from "./errors.js";
import { readExif } from "./exif.js";
import { type ItemPlace, type Lists, readLists, type Use } from "./heifitems.js";
import { type Kept, type Properties, type Property, Writer } from "./heifwriter.js";
import { findXmpKinds } from "./labels.js";
import type { Part } from "./mediadata.js";
import { findMovieKinds, MAX_LOOKED_AT_BYTES } from "./movierules.js";
import { filterNals } from "./nals.js";
import { filterUnits } from "./obus.js";
import { type Kind, measurePieces, type Piece, type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";
import { SRGB } from "./srgb.js";

const MAX_META_BYTES = 4 * 1024 * 1024; // a picture of 48 megapixels has ten thousand
const MAX_ITEM_BYTES = 64 * 1024 * 1024; // of one coded picture that is read at once (AV1)
const MAX_USES = 255; // of one item: they are counted in a byte
const MAX_BOXES = 1_000_000;
const BRANDS: readonly string[] = [
  ...["heic", "heix", "heim", "heis", "mif1", "mif2", "avif", "msf1", "hevc", "hevx", "avis"],
  "miaf",
];

const HEVC = "hvc1";
const CONFIGURATIONS: ReadonlyMap<string, string> = new Map([
  [HEVC, "hvcC"],
  ["av01", "av1C"],
]);
const GRID = "grid";
const GRID_BYTES: readonly number[] = [8, 12]; // by the width of its numbers
const ALPHA: readonly string[] = [
  "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
  "urn:mpeg:hevc:2015:auxid:1\0",
];
const PROFILES: readonly string[] = ["prof", "rICC"];
const OUR_PROFILE = join("prof", SRGB);
const UNSPECIFIED = 2; // colours of which the standards' numbers say that others tell them
const HEIC_FRONT = "heic\0\0\0\0mif1heic";
const DEEP_FRONT = "heix\0\0\0\0mif1heix";
const AVIF_FRONT = "avif\0\0\0\0avifmif1miaf";
const FIXED: ReadonlyMap<string, ShapeReader> = new Map([
  ["ispe", takeExactly(12)],
  ["pasp", takeExactly(8)],
  ["clap", takeExactly(32)],
  ["irot", takeExactly(1)],
  ["imir", takeExactly(1)],
  ["clli", takeExactly(4)],
  ["mdcv", takeExactly(24)],
  ["a1op", takeExactly(1)],
  ["colr", readColours],
]);
const EXIF_HEAD_BYTES = 4;
const MAX_FILE_BYTES = 2 ** 32 - 1;

/** Tell a HEIC or an AVIF by its first bytes. */
export function isHeif(head: Uint8Array): boolean {
  return startsWith(head.subarray(4), "ftyp") && BRANDS.includes(textOf(head.subarray(8, 12)));
}

/** Plan the cleaning of a HEIC or an AVIF; the plan's format says which of the two it is. */
export function planHeif(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #found = new Set<Kind>();
  readonly #media: Part[] = [];
  #isDeep = false;
  #data: Uint8Array = new Uint8Array(0);
  #inner: Part = { start: 0, end: 0 };

  constructor(private readonly source: Source) {}

  async read(): Promise<Plan> {
    const meta = await this.#readTop();
    if (meta.end - meta.start > MAX_META_BYTES) throw new CleaningRefusal("too-complex");
    this.#data = await this.source.read(meta.start, meta.end - meta.start);
    const lists = readLists(this.#data);
    const inner = listNamed(this.#data, 4, this.#data.length).get("idat");
    if (inner !== undefined) {
      this.#inner = { start: meta.start + inner.start, end: meta.start + inner.end };
    }
    const properties = lists.properties.map((box) => this.#readProperty(box));
    const numbers = this.#choose(lists);
    await this.#lookAtOthers(lists, numbers);
    const coloured = listColoured(lists, properties);
    const kept: Kept[] = [];
    for (const number of lists.items.keys()) {
      if (!numbers.has(number)) continue;
      kept.push(await this.#keep(lists, number, properties, coloured.has(number)));
    }
    return this.#build(lists, kept, properties);
  }

  /** Read the boxes that the file is made of; return where `meta` is. */
  async #readTop(): Promise<Part> {
    const { lengthBytes } = this.source;
    let meta: Part | undefined;
    let at = 0;
    for (let count = 1; at < lengthBytes; count++) {
      if (count > MAX_BOXES) throw new CleaningRefusal("too-complex");
      const head = (await this.source.readUpTo(at, 16)).slice();
      const name = textOf(head.subarray(4, 8));
      let length = bigEndian(head, 0, 4);
      let headBytes = 8;
      if (length === 0) {
        length = lengthBytes - at;
      } else if (length === 1) {
        length = bigEndian(head, 8, 8);
        headBytes = 16;
      }
      const start = at + headBytes;
      const end = at + length;
      if (start > end || end > lengthBytes) {
        const isWhole = meta !== undefined && this.#media.length > 0;
        if (!isWhole || name === "mdat") throw new CleaningRefusal("truncated");
        this.#found.add("trailing");
        break;
      }
      await this.#readBox({ name, start, end });
      if (name === "meta") {
        if (meta !== undefined) throw new CleaningRefusal("malformed");
        meta = { start, end };
      }
      at = end;
    }
    if (meta === undefined) throw new CleaningRefusal("malformed");
    return meta;
  }

  async #readBox({ name, start, end }: Box): Promise<void> {
    if (name === "moov" || name === "moof") throw new CleaningRefusal("unsupported");
    if (name === "mdat") {
      this.#media.push({ start, end });
    } else if (name === "ftyp") {
      const brands = textOf(await this.source.read(start, Math.min(end - start, 64)));
      this.#isDeep = brands.includes("heix");
    } else if (!["meta", "free", "skip"].includes(name)) {
      const content = await this.source.read(start, Math.min(end - start, MAX_LOOKED_AT_BYTES));
      this.#find(findMovieKinds(name, content));
    }
  }

  #find(kinds: readonly Kind[]): void {
    for (const kind of kinds) this.#found.add(kind);
  }

  // --- what is kept ------------------------------------------------------------------------------

  /** The picture that is shown, its tiles, and what makes it transparent. */
  #choose(lists: Lists): ReadonlySet<number> {
    const chosen = new Set(listWithTiles(lists, lists.primary));
    for (const { kind, source, targets } of lists.links) {
      if (kind !== "auxl" || !targets.includes(lists.primary)) continue;
      const uses = lists.uses.get(source) ?? [];
      if (!uses.some(({ place }) => this.#isAlpha(lists, place))) continue;
      for (const number of listWithTiles(lists, source)) chosen.add(number);
    }
    return chosen;
  }

  #isAlpha(lists: Lists, place: number): boolean {
    const box = lists.properties[place];
    if (box === undefined) throw new CleaningRefusal("malformed");
    return box.name === "auxC" && isAlphaUrn(this.#data.subarray(box.start + 4, box.end));
  }

  async #keep(
    lists: Lists,
    number: number,
    properties: Properties,
    isColoured: boolean,
  ): Promise<Kept> {
    const item = lists.items.get(number);
    const configurationName = CONFIGURATIONS.get(item?.kind ?? "");
    const isKnown = item?.kind === GRID || configurationName !== undefined;
    if (item === undefined || item.isProtected || !isKnown) {
      throw new CleaningRefusal("unsupported");
    }
    const told = lists.uses.get(number) ?? [];
    if (told.some(({ place }) => place >= properties.length)) {
      throw new CleaningRefusal("malformed");
    }
    let needsProfile = isColoured && !told.some(({ place }) => tellsColours(properties[place]));
    const uses: Use[] = [];
    let configuration: Bytes | undefined;
    for (const use of told) {
      const property = properties[use.place];
      if (this.#isProfile(lists.properties[use.place] as Box)) {
        this.#lookAtProfile(lists.properties[use.place] as Box);
        if (!needsProfile) continue;
        needsProfile = false;
      }
      if (property === undefined) {
        if (use.isEssential) throw new CleaningRefusal("unsupported");
        continue;
      }
      uses.push(use);
      if (property.name === configurationName) configuration = property.content;
    }
    if (uses.length > MAX_USES) throw new CleaningRefusal("malformed");
    return { number, uses, pieces: await this.#pack(lists, number, item.kind, configuration) };
  }

  /** The data of an item as they are kept. */
  async #pack(
    lists: Lists,
    number: number,
    kind: string,
    configuration: Bytes | undefined,
  ): Promise<readonly Piece[]> {
    const place = lists.places.get(number);
    if (place?.extents.length !== 1) throw new CleaningRefusal("unsupported");
    const { start: offset, end } = this.#locate(place);
    const lengthBytes = end - offset;
    if (kind === GRID) return [await this.#readGrid(offset, lengthBytes, findTiles(lists, number))];
    if (configuration === undefined) throw new CleaningRefusal("malformed");
    const whole = [{ offset, lengthBytes }];
    if (kind === HEVC) {
      const units = { lengthBytes: ((configuration[21] as number) & 3) + 1, isHevc: true };
      return (await filterNals(this.source, offset, lengthBytes, units, this.#found)) ?? whole;
    }
    if (lengthBytes > MAX_ITEM_BYTES) throw new CleaningRefusal("too-complex");
    const coded = await this.source.read(offset, lengthBytes);
    const kept = filterUnits(coded);
    if (isSame(kept, coded)) return whole;
    this.#found.add("other");
    return [kept];
  }

  /** Where an item is in the file: within `mdat`, or within `idat`. */
  #locate({ isInMeta, extents }: ItemPlace): Part {
    const extent = extents[0] ?? { offset: 0, lengthBytes: 0 };
    const parts = isInMeta ? [this.#inner] : this.#media;
    const start = extent.offset + (isInMeta ? this.#inner.start : 0);
    const end = start + extent.lengthBytes;
    if (end > this.source.lengthBytes) throw new CleaningRefusal("truncated");
    const isInside = parts.some((part) => part.start <= start && end <= part.end);
    if (start === end || !isInside) throw new CleaningRefusal("malformed");
    return { start, end };
  }

  /** How many tiles there are, and how large the picture is. */
  async #readGrid(offset: number, length: number, tiles: readonly number[]): Promise<Bytes> {
    if (!GRID_BYTES.includes(length)) throw new CleaningRefusal("malformed");
    const grid = (await this.source.read(offset, length)).slice();
    const [version, width, rows, columns] = grid as unknown as readonly number[];
    const isExact = version === 0 && GRID_BYTES[width as number] === length;
    const tileCount = ((rows as number) + 1) * ((columns as number) + 1);
    if (!isExact || tileCount !== tiles.length) throw new CleaningRefusal("malformed");
    return grid;
  }

  // --- what is said of items -----------------------------------------------------------------------

  /** A property as it is kept, or undefined if it is not. */
  #readProperty({ name, start, end }: Box): Property | undefined {
    const content = this.#data.slice(start, end);
    if ([...CONFIGURATIONS.values()].includes(name)) {
      return READERS.get(name)?.(content);
    }
    if (name === "pixi") {
      const isExact = content.length > 4 && content.length === 5 + (content[4] as number);
      return isExact ? { name, content } : undefined;
    }
    if (name === "auxC") return isAlphaUrn(content.subarray(4)) ? { name, content } : undefined;
    if (this.#isProfile({ name, start, end })) return { name, content: OUR_PROFILE };
    const kept = FIXED.get(name)?.(content);
    return kept && { name, content: join(kept) };
  }

  #isProfile({ name, start }: Box): boolean {
    return name === "colr" && PROFILES.includes(textOf(this.#data.subarray(start, start + 4)));
  }

  #lookAtProfile({ start, end }: Box): void {
    if (!isSame(this.#data.subarray(start, end), OUR_PROFILE)) this.#found.add("profile");
  }

  // --- what goes -----------------------------------------------------------------------------------

  /** Find the kinds of the items that go. */
  async #lookAtOthers(lists: Lists, kept: ReadonlySet<number>): Promise<void> {
    const previews = lists.links.filter(({ kind }) => kind === "thmb");
    for (const [number, item] of lists.items) {
      if (kept.has(number)) continue;
      if (previews.some(({ source }) => source === number)) {
        this.#found.add("preview");
      } else if (item.kind === "Exif") {
        const content = await this.#peek(lists, number);
        const skipped = bigEndian(content, 0, EXIF_HEAD_BYTES);
        this.#find(readExif(content.subarray(EXIF_HEAD_BYTES + skipped)).kinds);
      } else if (item.kind === "mime" && item.contentType === "application/rdf+xml") {
        this.#find(findXmpKinds(await this.#peek(lists, number)));
      } else {
        this.#found.add("other");
      }
    }
  }

  /** The front of an item that goes; nothing if it is nowhere. */
  async #peek(lists: Lists, number: number): Promise<Uint8Array> {
    const place = lists.places.get(number);
    const extent = place?.extents[0];
    if (place === undefined || extent === undefined) return new Uint8Array(0);
    const offset = extent.offset + (place.isInMeta ? this.#inner.start : 0);
    return this.source.readUpTo(offset, Math.min(extent.lengthBytes, MAX_LOOKED_AT_BYTES));
  }

  // --- what is written anew ------------------------------------------------------------------------

  #build(lists: Lists, kept: readonly Kept[], properties: Properties): Promise<Plan> {
    const kinds = new Set(kept.map(({ number }) => lists.items.get(number)?.kind));
    kinds.delete(GRID);
    if (kinds.size !== 1) throw new CleaningRefusal("unsupported");
    const isHeic = kinds.has(HEVC);
    const builder = new PlanBuilder(isHeic ? "heic" : "avif", this.source);
    for (const piece of kept.flatMap(({ pieces }) => pieces)) {
      if (piece instanceof Uint8Array) builder.write(piece);
      else builder.keep(piece.offset, piece.lengthBytes);
    }
    const lengths = kept.map(({ pieces }) => measurePieces(pieces));
    const sum = lengths.reduce((length, one) => length + one, 0);
    if (lengths.includes(0) || sum > this.source.lengthBytes) {
      throw new CleaningRefusal("malformed");
    }
    const brands = this.#isDeep ? DEEP_FRONT : HEIC_FRONT;
    const front = formatBox("ftyp", isHeic ? brands : AVIF_FRONT);
    const writer = new Writer(lists, kept, properties);
    const frontBytes = front.length + writer.format(0, lengths).length + 8;
    if (frontBytes + sum > MAX_FILE_BYTES) throw new CleaningRefusal("too-complex");
    const head = join(encodeBigEndian(8 + sum, 4), "mdat");
    builder.insert(join(front, writer.format(frontBytes, lengths), head), 0);
    builder.find(...this.#found);
    return builder.build();
  }
}

function isAlphaUrn(content: Uint8Array): boolean {
  return ALPHA.some((urn) => content.length === urn.length && startsWith(content, urn));
}

/** The picture that is shown and its tiles, if they have colours. */
function listColoured(lists: Lists, properties: Properties): ReadonlySet<number> {
  const numbers = listWithTiles(lists, lists.primary);
  const isWithout = numbers.some((number) =>
    lists.uses.get(number)?.some(({ place }) => isGrey(properties[place])),
  );
  return new Set(isWithout ? [] : numbers);
}

/** Whether a property is the configuration of a picture without colours. */
function isGrey(property: Property | undefined): boolean {
  if (property?.name === "hvcC") return ((property.content[16] as number) & 3) === 0;
  return property?.name === "av1C" && ((property.content[2] as number) & 0x10) !== 0;
}

/** Whether a property says which colours are meant by the standards' numbers. */
function tellsColours(property: Property | undefined): boolean {
  if (property?.name !== "colr" || !startsWith(property.content, "ncl")) return false;
  return bigEndian(property.content, 4, 2) !== UNSPECIFIED;
}

/** An item, and its tiles if it is a grid. */
function listWithTiles(lists: Lists, number: number): readonly number[] {
  const item = lists.items.get(number);
  if (item === undefined) throw new CleaningRefusal("malformed");
  if (item.kind !== GRID) return [number];
  const tiles = findTiles(lists, number);
  const kinds = tiles.map((tile) => lists.items.get(tile)?.kind);
  if (kinds.includes(undefined)) throw new CleaningRefusal("malformed");
  // A grid of grids could name itself.
  if (kinds.some((kind) => !CONFIGURATIONS.has(kind ?? ""))) {
    throw new CleaningRefusal("unsupported");
  }
  return [number, ...tiles];
}

/** The tiles of a grid, in their order. */
function findTiles(lists: Lists, number: number): readonly number[] {
  const link = lists.links.find(({ kind, source }) => kind === "dimg" && source === number);
  if (link === undefined) throw new CleaningRefusal("malformed");
  return link.targets;
}
