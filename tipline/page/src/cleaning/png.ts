// PNG and APNG (W3C PNG, third edition): chunk by chunk, up to IEND.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/png.py keeps them in Python.

import { bigEndian, type Bytes, encodeBigEndian, join, startsWith, textOf } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { CleaningRefusal } from "./errors.js";
import { formatOrientation, readExif, UPRIGHT } from "./exif.js";
import { findXmpKinds } from "./labels.js";
import { type Plan, PlanBuilder } from "./plan.js";
import { PNG_KEPT, PNG_KINDS } from "./rules.js";
import type { Source } from "./source.js";

export const SIGNATURE = "\x89PNG\r\n\x1a\n";

const MAX_LENGTH_BYTES = 2 ** 31 - 1; // the standard's own bound of a chunk
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of a chunk that goes; an EXIF has at most 64 KiB
const MAX_PALETTE_BYTES = 768;
const FRAME = 12; // length, type and checksum around a chunk's content

// By colour type: how many bits a sample may have, and how long tRNS is.
const DEPTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);
const PALETTE = 3;
const TRANSPARENCY_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 2],
  [2, 6],
]);
const MAX_PALETTE_TRANSPARENCY_BYTES = 256;
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ["gAMA", 4],
  ["cHRM", 32],
  ["sRGB", 1],
  ["cICP", 4],
  ["acTL", 8],
  ["fcTL", 26],
]);
const XMP_KEYWORD = "XML:com.adobe.xmp\0";
// sRGB and Display P3, Adobe RGB: white point and primaries in units of 1/100000. A display of its
// own has its own.
const COLOURS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "cHRM",
    [
      [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000],
      [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000],
      [31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000],
    ].map((numbers) => numbers.map(fourBytes).join("")),
  ],
  ["gAMA", [45455, 45454, 45470, 55556, 100000].map(fourBytes)],
]);
const GREY: readonly number[] = [0, 4]; // the types of colour that have none
const OUR_COLOURS = "sRGB\0"; // to be shown as it is perceived
const HEADER_END = 33; // the signature, and IHDR

function fourBytes(number: number): string {
  return textOf(encodeBigEndian(number, 4));
}

/** Plan the cleaning of a file that begins with `SIGNATURE`. */
export function planPng(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  readonly #seen = new Set<string>();
  #before = "";
  #colourType = 0;
  #orientation = UPRIGHT;
  #pixelsAt = 0; // in the cleaned file
  readonly #told = new Set<string>(); // chunks of colours that are kept
  #hasProfile = false;

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("png", source);
  }

  async read(): Promise<Plan> {
    this.#builder.keep(0, SIGNATURE.length);
    let position = SIGNATURE.length;
    while (this.#before !== "IEND") {
      this.#builder.countPart();
      // Nothing is waited for that lies in memory: where there are many chunks, that is most of it.
      const head = this.source.peek(position, 8) ?? (await this.source.read(position, 8));
      const length = bigEndian(head, 0, 4);
      const name = textOf(head.subarray(4));
      const isName = name === this.#before || /^[A-Za-z]{4}$/.test(name);
      if (length > MAX_LENGTH_BYTES || !isName) {
        throw new CleaningRefusal("malformed");
      }
      this.source.check(position, FRAME + length);
      this.#checkOrder(name);
      if (name === "IDAT" || name === "fdAT") {
        this.#keepPixels(position, name, length);
      } else if (PNG_KEPT.has(name)) {
        await this.#readKept(position, name, length);
      } else {
        const lookedAt = Math.min(length, MAX_LOOKED_AT_BYTES);
        const content = this.source.peek(position + 8, lookedAt);
        this.#drop(name, content ?? (await this.source.read(position + 8, lookedAt)));
      }
      this.#seen.add(name);
      this.#before = name;
      position += FRAME + length;
    }
    if (!this.#seen.has("IDAT")) throw new CleaningRefusal("malformed");
    if (position < this.source.lengthBytes) this.#builder.find("trailing");
    if (this.#orientation !== UPRIGHT) {
      const exif = join("eXIf", formatOrientation(this.#orientation));
      this.#builder.insert(formatChunk(exif), this.#pixelsAt);
    }
    if (this.#hasProfile && !GREY.includes(this.#colourType) && !this.#isTold()) {
      this.#builder.insert(formatChunk(join(OUR_COLOURS)), HEADER_END);
    }
    return this.#builder.build();
  }

  /** Whether kept chunks say what the colours are. */
  #isTold(): boolean {
    const told = this.#told;
    return told.has("sRGB") || told.has("cICP") || (told.has("gAMA") && told.has("cHRM"));
  }

  #checkOrder(name: string): void {
    const isFirst = this.#seen.size === 0;
    if ((name === "IHDR") !== isFirst) throw new CleaningRefusal("malformed");
    if (name === "IDAT") {
      const hasPixels = this.#seen.has("IDAT");
      const isApart = hasPixels && this.#before !== "IDAT";
      const lacksPalette = this.#colourType === PALETTE && !this.#seen.has("PLTE");
      if (isApart || lacksPalette) throw new CleaningRefusal("malformed");
      if (!hasPixels) this.#pixelsAt = this.#builder.measure();
    } else if (name === "fdAT" && !(this.#seen.has("IDAT") && this.#seen.has("fcTL"))) {
      throw new CleaningRefusal("malformed");
    }
  }

  #keepPixels(position: number, name: string, length: number): void {
    if (name === "fdAT" && length < 4) throw new CleaningRefusal("malformed");
    this.#builder.keep(position, FRAME + length);
  }

  #drop(name: string, content: Uint8Array): void {
    // A capital letter: a decoder that does not know it cannot show the image.
    if (name < "a") throw new CleaningRefusal("unsupported");
    this.#lookAt(name, content);
  }

  async #readKept(position: number, name: string, length: number): Promise<void> {
    if (length > MAX_PALETTE_BYTES || (this.#seen.has(name) && name !== "fcTL")) {
      throw new CleaningRefusal("malformed");
    }
    const summed = await this.source.read(position + 4, 4 + length);
    const checksum = bigEndian(await this.source.read(position + 8 + length, 4), 0, 4);
    const content = summed.subarray(4);
    if (crc32(summed) !== checksum || !this.#isSound(name, content)) {
      throw new CleaningRefusal("malformed");
    }
    const shared = COLOURS.get(name);
    if (shared !== undefined && !shared.includes(textOf(content))) {
      this.#hasProfile = true;
      this.#builder.find("profile");
    } else {
      this.#told.add(name);
      this.#builder.keep(position, FRAME + length);
    }
  }

  #isSound(name: string, content: Uint8Array): boolean {
    switch (name) {
      case "IHDR":
        return this.#readHeader(content);
      case "PLTE":
        return content.length % 3 === 0 && content.length > 0;
      case "tRNS":
        return this.#colourType === PALETTE
          ? content.length <= MAX_PALETTE_TRANSPARENCY_BYTES
          : content.length === TRANSPARENCY_BYTES.get(this.#colourType);
      case "IEND":
        return content.length === 0;
      default:
        return content.length === LENGTHS.get(name);
    }
  }

  #readHeader(content: Uint8Array): boolean {
    if (content.length !== 13) return false;
    const [width, height] = [bigEndian(content, 0, 4), bigEndian(content, 4, 4)];
    const [depth = 0, colour = 0, compression = 0, filtering = 0, interlace = 0] =
      content.subarray(8);
    this.#colourType = colour;
    return (
      0 < width &&
      width < 2 ** 31 &&
      0 < height &&
      height < 2 ** 31 &&
      (DEPTHS.get(colour)?.includes(depth) ?? false) &&
      compression === 0 &&
      filtering === 0 &&
      interlace <= 1
    );
  }

  #lookAt(name: string, content: Uint8Array): void {
    if (name === "eXIf") {
      const exif = readExif(content);
      this.#orientation = exif.orientation;
      this.#builder.find(...exif.kinds);
    } else if (name === "iTXt" && startsWith(content, XMP_KEYWORD)) {
      this.#builder.find(...findXmpKinds(content));
    } else {
      const kinds = PNG_KINDS.get(name) ?? ["other"];
      if (kinds.includes("profile")) this.#hasProfile = true;
      this.#builder.find(...kinds);
    }
  }
}

/** Put length and checksum around a name and a content. */
function formatChunk(content: Bytes): Bytes {
  const length = encodeBigEndian(content.length - 4, 4);
  return join(length, content, encodeBigEndian(crc32(content), 4));
}
