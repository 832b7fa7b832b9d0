// A page of a TIFF: of its tags those that a decoder needs, each of one shape.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/tiffpages.py keeps them in
// Python.

import { type Bytes, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { PlanBuilder, Range } from "./plan.js";
import { SRGB } from "./srgb.js";
import {
  BYTE,
  type Entry,
  LONG,
  RATIONAL,
  SHORT,
  sizeOf,
  type TiffFile,
  UNDEFINED,
} from "./tiffentries.js";
import { readJpeg } from "./tiffjpeg.js";

export const MAX_PARTS_OF_PIXELS = 65_536; // of all pages; 4 gigapixels in the usual tiles
const MAX_SAMPLES = 64; // of a pixel; a picture from a satellite has about twelve
const MAX_TABLES_BYTES = 65_536;

export const KIND = 254; // what a page is to the others: what stays is a whole one
const WIDTH = 256;
const LENGTH = 257;
const BITS = 258;
const COMPRESSION = 259;
const PHOTOMETRIC = 262;
const FILL_ORDER = 266;
const STRIP_OFFSETS = 273;
const ORIENTATION = 274;
const SAMPLES = 277;
const ROWS = 278;
const STRIP_COUNTS = 279;
const PLANAR = 284;
const T4_OPTIONS = 292;
const T6_OPTIONS = 293;
const PREDICTOR = 317;
const COLOURS = 320;
const TILE_WIDTH = 322;
const TILE_LENGTH = 323;
const TILE_OFFSETS = 324;
const TILE_COUNTS = 325;
const INKS = 332;
const EXTRA = 338;
const SAMPLE_FORMAT = 339;
const TABLES = 347;
const COEFFICIENTS = 529;
const SUBSAMPLING = 530;
const POSITIONING = 531;
const REFERENCE = 532;
export const PROFILE = 34675;
export const PROFILES: readonly number[] = [PROFILE, 301, 318, 319]; // curves, white, primaries
/** The tags of a page that a decoder needs. */
export const KEPT: ReadonlySet<number> = new Set([
  ...[WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS, ORIENTATION],
  ...[SAMPLES, ROWS, STRIP_COUNTS, PLANAR, T4_OPTIONS, T6_OPTIONS, PREDICTOR, COLOURS, TILE_WIDTH],
  ...[TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, INKS, EXTRA, SAMPLE_FORMAT, TABLES, COEFFICIENTS],
  ...[SUBSAMPLING, POSITIONING, REFERENCE],
]);

const PLAIN = 1;
const T4 = 3;
const T6 = 4;
const LZW = 5;
const JPEG = 7;
const DEFLATE = 8;
const OLD_DEFLATE = 32946;
const COMPRESSIONS: readonly number[] = [PLAIN, 2, T4, T6, LZW, JPEG, DEFLATE, OLD_DEFLATE, 32773];
const PREDICTED: readonly number[] = [LZW, DEFLATE, OLD_DEFLATE];
const RGB = 2;
const PALETTE = 3;
const SEPARATED = 5;
const YCC = 6;
const PHOTOMETRICS: readonly number[] = [0, 1, RGB, PALETTE, SEPARATED, YCC, 8]; // 8 is CIE L*a*b*
const LAST_DEPTH = 16; // of those that are any number
const DEEPER: readonly number[] = [24, 32, 64];

type Allowed = (value: number) => boolean;

function between(first: number, last: number): Allowed {
  return (value) => first <= value && value <= last;
}

function among(...values: readonly number[]): Allowed {
  return (value) => values.includes(value);
}

const isLength = between(1, 2 ** 31 - 1);

/** An entry, written anew, its values in the order of the file's bytes. */
export interface Field {
  readonly tag: number;
  readonly type: number;
  readonly content: Bytes;
}

/** What stays of a page: its fields but for its pixels' places, and these, strip by strip. */
export interface Page {
  readonly fields: readonly Field[];
  readonly offsetsTag: number;
  readonly countsTag: number;
  readonly parts: readonly (readonly Range[])[];
}

/** Read a page from its directory, with no more strips and tiles than are left. */
export async function readPage(
  tiff: TiffFile,
  builder: PlanBuilder,
  entries: readonly Entry[],
  leftCount: number,
): Promise<Page> {
  const kept = entries.filter((entry) => KEPT.has(entry.tag));
  const byTag = new Map(kept.map((entry) => [entry.tag, entry]));
  if (byTag.size !== kept.length) throw new CleaningRefusal("malformed");
  const hasProfile = entries.some((entry) => PROFILES.includes(entry.tag));
  return new Reader(tiff, builder, byTag, leftCount, hasProfile).read();
}

class Reader {
  readonly #fields: Field[] = [];
  #compression = 0;
  #photometric = 0;
  #width = 0;
  #length = 0;
  #samples = 0;
  #depth = 0;
  #planar = 0;

  constructor(
    private readonly tiff: TiffFile,
    private readonly builder: PlanBuilder,
    private readonly entries: ReadonlyMap<number, Entry>,
    private readonly leftCount: number,
    private readonly hasProfile: boolean,
  ) {}

  async read(): Promise<Page> {
    this.#compression = await this.#one(COMPRESSION, PLAIN);
    this.#photometric = await this.#one(PHOTOMETRIC, undefined);
    if (!COMPRESSIONS.includes(this.#compression) || !PHOTOMETRICS.includes(this.#photometric)) {
      throw new CleaningRefusal("unsupported");
    }
    this.#width = await this.#one(WIDTH, undefined, isLength);
    this.#length = await this.#one(LENGTH, undefined, isLength);
    this.#samples = await this.#one(SAMPLES, 1, between(1, MAX_SAMPLES));
    const depths = await this.#each(BITS);
    this.#depth = depths[0] as number;
    const isDepth = between(1, LAST_DEPTH)(this.#depth) || DEEPER.includes(this.#depth);
    if (!isDepth || depths.some((depth) => depth !== this.#depth)) {
      throw new CleaningRefusal("unsupported");
    }
    this.#planar = await this.#one(PLANAR, 1, between(1, 2));
    this.#write(KIND, LONG, [0]);
    this.#write(WIDTH, LONG, [this.#width]);
    this.#write(LENGTH, LONG, [this.#length]);
    this.#write(BITS, SHORT, depths);
    this.#write(COMPRESSION, SHORT, [this.#compression]);
    this.#write(PHOTOMETRIC, SHORT, [this.#photometric]);
    this.#write(SAMPLES, SHORT, [this.#samples]);
    if (this.#planar !== 1) this.#write(PLANAR, SHORT, [this.#planar]);
    await this.#keepOptions();
    await this.#keepColours();
    return this.#readPixels();
  }

  // --- numbers ------------------------------------------------------------------------------------

  /** The only value of a tag; without a default the tag must be there. */
  async #one(
    tag: number,
    defaultValue: number | undefined,
    isAllowed: Allowed = () => true,
  ): Promise<number> {
    if (!this.entries.has(tag)) {
      if (defaultValue === undefined) throw new CleaningRefusal("malformed");
      return defaultValue;
    }
    const [value] = await this.#numbers(tag, among(1));
    if (value === undefined || !isAllowed(value)) throw new CleaningRefusal("malformed");
    return value;
  }

  /** A value for each sample. One alone holds for all; without the tag it is 1. */
  async #each(tag: number): Promise<readonly number[]> {
    const values = this.entries.has(tag) ? await this.#numbers(tag, among(1, this.#samples)) : [1];
    return values.length === 1
      ? new Array<number>(this.#samples).fill(values[0] as number)
      : values;
  }

  async #numbers(tag: number, isCount: Allowed): Promise<readonly number[]> {
    const entry = this.entries.get(tag);
    if (entry === undefined || !isCount(entry.count)) throw new CleaningRefusal("malformed");
    return this.tiff.readNumbers(entry);
  }

  #write(tag: number, type: number, values: readonly number[]): void {
    const size = sizeOf(type);
    if (values.some((value) => value >= 256 ** size)) throw new CleaningRefusal("malformed");
    const content = new Uint8Array(size * values.length);
    values.forEach((value, place) => content.set(this.tiff.encode(value, size), place * size));
    this.#fields.push({ tag, type, content });
  }

  // --- what else a decoder needs ------------------------------------------------------------------

  async #keepOptions(): Promise<void> {
    await this.#keepOne(FILL_ORDER, SHORT, 1, between(1, 2));
    await this.#keepOne(ORIENTATION, SHORT, 1, between(1, 8));
    if (this.#compression === T4) await this.#keepOne(T4_OPTIONS, LONG, 0, between(0, 7));
    if (this.#compression === T6) await this.#keepOne(T6_OPTIONS, LONG, 0, among(0, 2));
    if (PREDICTED.includes(this.#compression)) {
      await this.#keepOne(PREDICTOR, SHORT, 1, between(1, 3));
    }
    if (this.#photometric === SEPARATED) await this.#keepOne(INKS, SHORT, 1, between(1, 2));
    if (this.entries.has(EXTRA)) {
      const extra = await this.#numbers(EXTRA, between(1, this.#samples));
      if (extra.some((value) => value > 2)) throw new CleaningRefusal("malformed");
      this.#write(EXTRA, SHORT, extra);
    }
    const formats = await this.#each(SAMPLE_FORMAT);
    if (!formats.every(between(1, 6))) throw new CleaningRefusal("malformed");
    if (formats.some((format) => format !== 1)) this.#write(SAMPLE_FORMAT, SHORT, formats);
    const tables = this.entries.get(TABLES);
    if (this.#compression === JPEG && tables !== undefined) await this.#keepTables(tables);
  }

  async #keepOne(
    tag: number,
    type: number,
    defaultValue: number,
    isAllowed: Allowed,
  ): Promise<void> {
    const value = await this.#one(tag, defaultValue, isAllowed);
    if (value !== defaultValue) this.#write(tag, type, [value]);
  }

  async #keepColours(): Promise<void> {
    if (this.#photometric === PALETTE) {
      if (!this.entries.has(COLOURS) || this.#depth > LAST_DEPTH) {
        throw new CleaningRefusal("malformed");
      }
      this.#write(COLOURS, SHORT, await this.#numbers(COLOURS, among(3 << this.#depth)));
    }
    if (this.#photometric === YCC) {
      await this.#keepRationals(COEFFICIENTS, 3);
      await this.#keepRationals(REFERENCE, 6);
      await this.#keepOne(POSITIONING, SHORT, 1, between(1, 2));
      if (this.entries.has(SUBSAMPLING)) {
        this.#write(SUBSAMPLING, SHORT, await this.#subsampling());
      }
    }
    if (this.hasProfile && [RGB, PALETTE, YCC].includes(this.#photometric)) {
      this.#fields.push({ tag: PROFILE, type: UNDEFINED, content: SRGB });
    }
  }

  async #subsampling(): Promise<[number, number]> {
    if (!this.entries.has(SUBSAMPLING)) return [2, 2];
    const [across = 0, down = 0] = await this.#numbers(SUBSAMPLING, among(2));
    if (![across, down].every(among(1, 2, 4))) throw new CleaningRefusal("malformed");
    return [across, down];
  }

  async #keepRationals(tag: number, count: number): Promise<void> {
    const entry = this.entries.get(tag);
    if (entry === undefined) return;
    if (entry.type !== RATIONAL || entry.count !== count) throw new CleaningRefusal("malformed");
    const content = (await this.tiff.source.read(entry.offset, entry.lengthBytes)).slice();
    this.#fields.push({ tag, type: RATIONAL, content });
  }

  async #keepTables(entry: Entry): Promise<void> {
    if (![BYTE, UNDEFINED].includes(entry.type) || entry.count > MAX_TABLES_BYTES) {
      throw new CleaningRefusal("malformed");
    }
    const { source } = this.tiff;
    source.check(entry.offset, entry.lengthBytes);
    const kept: Bytes[] = [];
    for (const part of await readJpeg(source, this.builder, entry, false)) {
      kept.push((await source.read(part.offset, part.lengthBytes)).slice());
    }
    this.#fields.push({ tag: TABLES, type: UNDEFINED, content: joinAll(kept) });
  }

  // --- pixels -------------------------------------------------------------------------------------

  async #readPixels(): Promise<Page> {
    const isTiled = this.entries.has(TILE_WIDTH);
    let width = this.#width;
    let rows: number;
    if (isTiled) {
      width = await this.#one(TILE_WIDTH, undefined, isLength);
      rows = await this.#one(TILE_LENGTH, undefined, isLength);
      this.#write(TILE_WIDTH, LONG, [width]);
      this.#write(TILE_LENGTH, LONG, [rows]);
    } else {
      const told = await this.#one(ROWS, 2 ** 32 - 1, (value) => value > 0);
      rows = Math.min(told, this.#length);
      this.#write(ROWS, LONG, [rows]);
    }
    const down = Math.ceil(this.#length / rows);
    const planes = this.#planar === 2 ? this.#samples : 1;
    const total = Math.ceil(this.#width / width) * down * planes;
    if (total > this.leftCount) throw new CleaningRefusal("too-complex");
    const offsetsTag = isTiled ? TILE_OFFSETS : STRIP_OFFSETS;
    const countsTag = isTiled ? TILE_COUNTS : STRIP_COUNTS;
    const offsets = await this.#numbers(offsetsTag, among(total));
    const counts = await this.#readCounts(countsTag, total);
    const parts: (readonly Range[])[] = [];
    for (const [number, offset] of offsets.entries()) {
      const isLast = !isTiled && number % down === down - 1;
      const partRows = isLast ? this.#length - rows * (down - 1) : rows;
      parts.push(await this.#keepPart(offset, counts?.[number], width, partRows));
    }
    const fields = this.#fields.sort((one, other) => one.tag - other.tag);
    return { fields, offsetsTag, countsTag, parts };
  }

  /** The lengths as they are claimed; what is not compressed may leave them out. */
  async #readCounts(tag: number, total: number): Promise<readonly number[] | undefined> {
    if (this.entries.has(tag)) return this.#numbers(tag, among(total));
    if (this.#compression !== PLAIN) throw new CleaningRefusal("malformed");
    return undefined;
  }

  async #keepPart(
    offset: number,
    claimed: number | undefined,
    width: number,
    rows: number,
  ): Promise<readonly Range[]> {
    let lengthBytes = claimed;
    if (this.#compression === PLAIN) {
      lengthBytes = await this.#measure(width, rows);
      if (claimed !== undefined && claimed < lengthBytes) throw new CleaningRefusal("truncated");
    }
    if (!lengthBytes) throw new CleaningRefusal("malformed");
    const { source } = this.tiff;
    source.check(offset, lengthBytes);
    this.tiff.claim(offset, lengthBytes, true);
    const part = { offset, lengthBytes };
    return this.#compression === JPEG ? readJpeg(source, this.builder, part, true) : [part];
  }

  /** How long so many rows are without compression. */
  async #measure(width: number, rows: number): Promise<number> {
    const [across, down] = this.#photometric === YCC ? await this.#subsampling() : [1, 1];
    if (across === 1 && down === 1) {
      const samples = this.#planar === 2 ? 1 : this.#samples;
      return rows * Math.ceil((width * samples * this.#depth) / 8);
    }
    if (this.#planar !== 1 || this.#samples !== 3 || this.#depth !== 8) {
      throw new CleaningRefusal("unsupported");
    }
    return Math.ceil(width / across) * Math.ceil(rows / down) * (across * down + 2);
  }
}
