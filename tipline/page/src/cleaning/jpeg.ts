// JPEG (ITU-T T.81): from the start of the image to its end, and nothing behind.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/jpeg.py keeps them in Python.

import {
  bigEndian,
  type Bytes,
  encodeBigEndian,
  isSame,
  join,
  joinAll,
  startsWith,
  textOf,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { formatOrientation, readExif, UPRIGHT } from "./exif.js";
import { findPhotoshopKinds, findXmpKinds } from "./labels.js";
import { type Plan, PlanBuilder } from "./plan.js";
import { type Source, WINDOW_BYTES } from "./source.js";
import { SRGB } from "./srgb.js";

export const SIGNATURE = "\xff\xd8\xff";

export const EOI = 0xd9;
export const SOS = 0xda;
export const COM = 0xfe;
const TEM = 0x01;
// Baseline, extended, progressive and lossless, by Huffman's codes or arithmetic ones.
export const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca, 0xcb]);
// A frame that differs from the one before, and what begins a hierarchy of them (DHP, EXP).
const HIERARCHICAL: ReadonlySet<number> = new Set([0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf, 0xde, 0xdf]);
export const TABLES: ReadonlyMap<number, (content: Uint8Array) => boolean> = new Map([
  [0xdb, isQuantisation],
  [0xc4, isHuffman],
  [0xcc, isArithmetic],
  [0xdd, isNumber], // DRI
  [0xdc, isNumber], // DNL
]);

const JFIF = "\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00";
const ADOBE_HEAD = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00";
const ADOBE_BYTES = 12;
const PROFILE = "ICC_PROFILE\0";
const OUR_PROFILE = join(PROFILE, "\x01\x01", SRGB); // the first part of one
const XMP_HEADS = ["http://ns.adobe.com/xap/1.0/\0", "http://ns.adobe.com/xmp/extension/\0"];

/** Plan the cleaning of a file that begins with `SIGNATURE`. */
export function planJpeg(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  #componentIds: Bytes | undefined;
  #scanCount = 0;
  #hasJfif = false;
  #transform: number | undefined;
  #orientation = UPRIGHT;
  #hasProfile = false;

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("jpeg", source);
  }

  async read(): Promise<Plan> {
    this.#builder.keep(0, 2);
    let position = 2;
    for (;;) {
      this.#builder.countPart();
      const next = this.#passSegment(position);
      if (next !== undefined) {
        position = next;
        continue;
      }
      position = await this.#findMarker(position);
      const marker = await this.source.byteAt(position + 1);
      if (marker === EOI) break;
      position = await this.#readSegment(position, marker);
    }
    if (this.#scanCount === 0) throw new CleaningRefusal("malformed");
    this.#builder.keep(position, 2);
    if (position + 2 < this.source.lengthBytes) this.#builder.find("trailing");
    this.#writeHeads();
    return this.#builder.build();
  }

  /**
   * Drop a segment that lies in memory already, and return where the next begins. Where there are
   * many, waiting for each would take ten times as long.
   */
  #passSegment(position: number): number | undefined {
    const head = this.source.peek(position, 4);
    const marker = head?.[1] ?? 0;
    if (head?.[0] !== 0xff || !(isApplication(marker) || marker === COM)) return undefined;
    const length = bigEndian(head, 2, 2);
    const content = length < 2 ? undefined : this.source.peek(position + 4, length - 2);
    if (content === undefined) return undefined;
    this.#lookAt(marker, content);
    return position + 2 + length;
  }

  /** Return the place of the next marker; what lies before it goes. */
  async #findMarker(position: number): Promise<number> {
    const [first, second] = await this.source.readUpTo(position, 2);
    if (first === 0xff && second !== undefined && isMarker(second)) return position;
    const found = await this.source.find(0xff, isMarker, position);
    if (found === undefined) throw new CleaningRefusal("truncated");
    this.#builder.find("other");
    return found;
  }

  /** Keep or drop a segment; return where the next begins. */
  async #readSegment(position: number, marker: number): Promise<number> {
    if (marker === TEM || isRestart(marker)) {
      this.#builder.find("other");
      return position + 2;
    }
    if (!hasLength(marker)) throw new CleaningRefusal("malformed");
    const length = bigEndian(await this.source.read(position + 2, 2), 0, 2);
    if (length < 2) throw new CleaningRefusal("malformed");
    const content = await this.source.read(position + 4, length - 2);
    const end = position + 2 + length;
    if (isApplication(marker) || marker === COM) {
      this.#lookAt(marker, content);
      return end;
    }
    this.#checkKept(marker, content);
    this.#builder.keep(position, end - position);
    return marker === SOS ? this.#keepScan(end) : end;
  }

  #checkKept(marker: number, content: Bytes): void {
    if (HIERARCHICAL.has(marker)) throw new CleaningRefusal("unsupported");
    if (FRAMES.has(marker)) {
      this.#readFrame(content);
    } else if (marker === SOS) {
      if (this.#componentIds === undefined || !isScanHead(content)) {
        throw new CleaningRefusal("malformed");
      }
      this.#scanCount++;
    } else if (!TABLES.get(marker)?.(content)) {
      throw new CleaningRefusal("malformed");
    }
  }

  #readFrame(content: Bytes): void {
    if (this.#componentIds !== undefined || !isFrame(content)) {
      throw new CleaningRefusal("malformed");
    }
    this.#componentIds = content.filter((_, place) => place >= 6 && place % 3 === 0);
  }

  /** Keep coded data; return where the next marker is. */
  async #keepScan(start: number): Promise<number> {
    const found = await this.source.find(0xff, isScanEnd, start);
    if (found === undefined) throw new CleaningRefusal("truncated");
    const end = await this.#cutFill(start, found);
    if (end !== found) this.#builder.find("other");
    if (end > start) this.#builder.keep(start, end - start);
    return found;
  }

  /** Any number of FF may stand before a marker: leave them out of what is kept. */
  async #cutFill(start: number, found: number): Promise<number> {
    let end = found;
    while (end > start) {
      // Mostly there are none, and one byte tells.
      if ((await this.source.byteAt(end - 1)) !== 0xff) break;
      const begin = Math.max(start, end - WINDOW_BYTES);
      const data = await this.source.read(begin, end - begin);
      while (end > begin && data[end - 1 - begin] === 0xff) end--;
    }
    return end;
  }

  // --- what is not kept -------------------------------------------------------------------------

  #lookAt(marker: number, content: Bytes): void {
    if (marker === COM) {
      this.#builder.find("text");
    } else if (marker === 0xe0 && startsWith(content, "JFIF\0")) {
      this.#hasJfif = true;
      if (content.length > 14) this.#builder.find("preview");
    } else if (marker === 0xe0 && startsWith(content, "JFXX\0")) {
      this.#builder.find("preview");
    } else if (marker === 0xe1 && startsWith(content, "Exif\0")) {
      const exif = readExif(content.subarray(6));
      if (this.#orientation === UPRIGHT) this.#orientation = exif.orientation;
      this.#builder.find(...exif.kinds);
    } else if (marker === 0xe1 && XMP_HEADS.some((head) => startsWith(content, head))) {
      this.#builder.find(...findXmpKinds(content));
    } else if (marker === 0xe2 && startsWith(content, PROFILE)) {
      this.#hasProfile = true;
      if (!isSame(content, OUR_PROFILE)) this.#builder.find("profile");
    } else if (marker === 0xe2 && startsWith(content, "MPF\0")) {
      this.#builder.find("preview");
    } else if (marker === 0xed && startsWith(content, "Photoshop 3.0\0")) {
      this.#builder.find(...findPhotoshopKinds(content.subarray(14)));
    } else if (marker === 0xee && startsWith(content, "Adobe") && content.length >= ADOBE_BYTES) {
      this.#transform = content[11];
    } else {
      this.#builder.find("other");
    }
  }

  // --- what is written anew -----------------------------------------------------------------------

  /**
   * Write what tells a decoder how to read the colours, and which side is up.
   *
   * Decoders take three components for YCbCr if there is JFIF, else as Adobe's transform says, else
   * by the components' ids. JFIF is written where that changes nothing, so that one more thing is
   * the same for everybody.
   */
  #writeHeads(): void {
    const ids = textOf(this.#componentIds ?? new Uint8Array(0));
    const isPlain = this.#transform === undefined && [1, 3].includes(ids.length) && ids !== "RGB";
    const heads: (Uint8Array | string | number)[] = this.#hasJfif || isPlain ? [JFIF] : [];
    if (this.#transform !== undefined) heads.push(ADOBE_HEAD, this.#transform);
    if (this.#orientation !== UPRIGHT) {
      const exif = join("Exif\0\0", formatOrientation(this.#orientation));
      heads.push(formatSegment("\xff\xe1", exif));
    }
    if (this.#hasProfile && ids.length === 3) heads.push(formatSegment("\xff\xe2", OUR_PROFILE));
    if (heads.length > 0) this.#builder.insert(joinAll(heads), 2);
  }
}

function formatSegment(marker: string, content: Bytes): Bytes {
  return join(marker, encodeBigEndian(2 + content.length, 2), content);
}

// --- markers ----------------------------------------------------------------------------------------

function isMarker(code: number): boolean {
  return code !== 0x00 && code !== 0xff;
}

function isRestart(code: number): boolean {
  return 0xd0 <= code && code <= 0xd7;
}

/**
 * Whether a marker ends coded data: in it a zero after FF says that FF is data, and restarts are a
 * part of the data.
 */
export function isScanEnd(code: number): boolean {
  return isMarker(code) && !isRestart(code);
}

/** Whether a marker begins an application's segment. */
export function isApplication(code: number): boolean {
  return 0xe0 <= code && code <= 0xef;
}

function hasLength(code: number): boolean {
  const isKept = TABLES.has(code) || FRAMES.has(code) || HIERARCHICAL.has(code) || code === SOS;
  return isKept || isApplication(code) || code === COM;
}

// --- segments of a fixed shape ----------------------------------------------------------------------

function isTableHead(head: number): boolean {
  return head >> 4 <= 1 && (head & 15) <= 3;
}

function isQuantisation(content: Uint8Array): boolean {
  let offset = 0;
  while (offset < content.length) {
    const head = content[offset] as number;
    if (!isTableHead(head)) return false;
    offset += head >> 4 ? 129 : 65;
  }
  return offset === content.length && offset > 0;
}

function isHuffman(content: Uint8Array): boolean {
  let offset = 0;
  while (offset + 17 <= content.length) {
    if (!isTableHead(content[offset] as number)) return false;
    const counts = content.subarray(offset + 1, offset + 17);
    offset += 17 + counts.reduce((sum, count) => sum + count, 0);
  }
  return offset === content.length && offset > 0;
}

function isArithmetic(content: Uint8Array): boolean {
  return 0 < content.length && content.length <= 64 && content.length % 2 === 0;
}

/** Whether a frame's head is whole, and has a width. */
export function isFrame(content: Uint8Array): boolean {
  const count = content[5] ?? 0;
  return count > 0 && content.length === 6 + 3 * count && bigEndian(content, 3, 2) !== 0;
}

/** Whether the head of a scan is whole. */
export function isScanHead(content: Uint8Array): boolean {
  const count = content[0] ?? 0;
  return 1 <= count && count <= 4 && content.length === 4 + 2 * count;
}

function isNumber(content: Uint8Array): boolean {
  return content.length === 2;
}
