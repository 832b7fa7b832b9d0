// WebP (RFC 9649): a RIFF file of chunks.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/webp.py keeps them in Python.

import {
  type Bytes,
  encodeLittleEndian,
  isSame,
  join,
  littleEndian,
  startsWith,
  textOf,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { formatOrientation, readExif, UPRIGHT } from "./exif.js";
import { findXmpKinds, MAX_XMPS } from "./labels.js";
import { MAX_PIECES, measurePieces, type Piece, type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";
import { SRGB } from "./srgb.js";

const HEAD_BYTES = 12; // RIFF, its length, WEBP
const CHUNK_HEAD_BYTES = 8;
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of a chunk that goes; an EXIF has at most 64 KiB
const MAX_PICTURE_CHUNKS = 2; // transparency and a picture

const IMAGES: readonly string[] = ["VP8 ", "VP8L"];
const KNOWN = new Set([...IMAGES, "VP8X", "ALPH", "ANIM", "ANMF", "EXIF", "XMP ", "ICCP"]);
const HAS_PROFILE = 0x20;
const HAS_EXIF = 0x08;
const IS_ANIMATION = 0x02;
const TRUE_FLAGS = 0x10 | IS_ANIMATION; // transparency, too: what the kept chunks still say
const CANVAS_BYTES = 10;
const ANIMATION_BYTES = 6;
const FRAME_HEAD_BYTES = 16;
const FRAME_FLAGS = 0x03; // how a frame is blended and disposed of
const EXIF_PREFIX = "Exif\0\0"; // of JPEG; some write it here, too

/** Its name, where its content begins, and how long that is. */
interface Chunk {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

/** Tell a WebP by its first bytes. */
export function isWebp(head: Uint8Array): boolean {
  return startsWith(head, "RIFF") && startsWith(head.subarray(8), "WEBP");
}

/** Plan the cleaning of a file that `isWebp`. */
export function planWebp(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  readonly #pieces: Piece[] = [];
  readonly #names: string[] = [];
  #flags = 0;
  #canvas: Bytes | undefined;
  #orientation = UPRIGHT;
  #hasProfile = false;
  #xmpCount = 0;

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("webp", source);
  }

  async read(): Promise<Plan> {
    const length = littleEndian(await this.source.read(4, 4), 0, 4);
    const end = CHUNK_HEAD_BYTES + length;
    if (length < 4) throw new CleaningRefusal("malformed");
    // Some leave the last filling byte out, of the file or of the length.
    if (end > this.source.lengthBytes + 1) throw new CleaningRefusal("truncated");
    const chunks = this.#listChunks(HEAD_BYTES, Math.min(end, this.source.lengthBytes));
    for await (const chunk of chunks) {
      if (!this.#passOther(chunk)) await this.#readChunk(chunk);
    }
    if (end + (end % 2) < this.source.lengthBytes) this.#builder.find("trailing");
    this.#checkForm();
    return this.#build();
  }

  async *#listChunks(first: number, end: number): AsyncGenerator<Chunk> {
    let start = first;
    while (start < end) {
      this.#builder.countPart();
      if (start + CHUNK_HEAD_BYTES > end) throw new CleaningRefusal("malformed");
      const here = this.source.peek(start, CHUNK_HEAD_BYTES);
      const head = here ?? (await this.source.read(start, CHUNK_HEAD_BYTES));
      const length = littleEndian(head, 4, 4);
      start += CHUNK_HEAD_BYTES;
      if (start + length > end) throw new CleaningRefusal("truncated");
      yield { name: textOf(head.subarray(0, 4)), start, length };
      start += length + (length % 2);
    }
  }

  /** Drop a chunk that nobody knows, if it lies in memory: where there are many, waiting is most. */
  #passOther({ name, start, length }: Chunk): boolean {
    if (KNOWN.has(name) || this.source.peek(start, length) === undefined) return false;
    this.#builder.find("other");
    return true;
  }

  async #readChunk(chunk: Chunk): Promise<void> {
    const { name, start, length } = chunk;
    if (name === "VP8X") {
      await this.#readCanvas(chunk);
    } else if (IMAGES.includes(name) || name === "ALPH" || name === "ANIM") {
      if (name === "ANIM" && length !== ANIMATION_BYTES) throw new CleaningRefusal("malformed");
      this.#pieces.push(...keepChunk(chunk));
    } else if (name === "ANMF") {
      this.#pieces.push(...(await this.#keepFrame(chunk)));
    } else {
      this.#lookAt(name, await this.source.read(start, Math.min(length, MAX_LOOKED_AT_BYTES)));
      return;
    }
    this.#names.push(name);
    if (this.#pieces.length > MAX_PIECES) throw new CleaningRefusal("too-complex");
  }

  async #readCanvas({ start, length }: Chunk): Promise<void> {
    if (length !== CANVAS_BYTES || this.#names.length > 0) throw new CleaningRefusal("malformed");
    const content = await this.source.read(start, length);
    this.#flags = (content[0] as number) & TRUE_FLAGS;
    this.#canvas = content.slice(4);
  }

  async #keepFrame({ start, length }: Chunk): Promise<Piece[]> {
    if (length < FRAME_HEAD_BYTES) throw new CleaningRefusal("malformed");
    const head = (await this.source.read(start, FRAME_HEAD_BYTES)).slice();
    const kept: Piece[] = [];
    const names: string[] = [];
    for await (const chunk of this.#listChunks(start + FRAME_HEAD_BYTES, start + length)) {
      if (!IMAGES.includes(chunk.name) && chunk.name !== "ALPH") {
        this.#builder.find("other");
        continue;
      }
      kept.push(...keepChunk(chunk));
      names.push(chunk.name);
      if (names.length > MAX_PICTURE_CHUNKS) throw new CleaningRefusal("malformed");
    }
    if (!isPicture(names)) throw new CleaningRefusal("malformed");
    head[FRAME_HEAD_BYTES - 1] = (head[FRAME_HEAD_BYTES - 1] as number) & FRAME_FLAGS;
    const size = FRAME_HEAD_BYTES + measurePieces(kept);
    return [join("ANMF", encodeLittleEndian(size, 4), head), ...kept];
  }

  #lookAt(name: string, content: Uint8Array): void {
    if (name === "EXIF") {
      const hasPrefix = startsWith(content, EXIF_PREFIX);
      const exif = readExif(hasPrefix ? content.subarray(EXIF_PREFIX.length) : content);
      if (this.#orientation === UPRIGHT) this.#orientation = exif.orientation;
      this.#builder.find(...exif.kinds);
    } else if (name === "XMP ") {
      this.#xmpCount++;
      const isSearched = this.#xmpCount <= MAX_XMPS;
      this.#builder.find(...(isSearched ? findXmpKinds(content) : (["other"] as const)));
    } else if (name === "ICCP") {
      this.#hasProfile = true;
      if (!isSame(content, SRGB)) this.#builder.find("profile");
    } else {
      this.#builder.find("other");
    }
  }

  #checkForm(): void {
    const [first, second, ...others] = this.#names;
    if (first === "VP8X") {
      const isAnimation =
        second === "ANIM" && others.length > 0 && others.every((name) => name === "ANMF");
      const isSaid = (this.#flags & IS_ANIMATION) !== 0;
      if (isAnimation === isSaid && (isAnimation || isPicture(this.#names.slice(1)))) return;
    } else if (this.#names.length === 1 && IMAGES.includes(first ?? "")) {
      return;
    }
    throw new CleaningRefusal("malformed");
  }

  #build(): Promise<Plan> {
    const pieces = [...this.#pieces];
    if (this.#canvas !== undefined) {
      let flags = this.#flags;
      if (this.#orientation !== UPRIGHT) {
        const exif = formatOrientation(this.#orientation);
        pieces.push(join("EXIF", encodeLittleEndian(exif.length, 4), exif));
        flags |= HAS_EXIF;
      }
      if (this.#hasProfile) flags |= HAS_PROFILE;
      const profile = join("ICCP", encodeLittleEndian(SRGB.length, 4), SRGB);
      const head = join("VP8X", encodeLittleEndian(CANVAS_BYTES, 4), flags, "\0\0\0");
      pieces.unshift(join(head, this.#canvas, this.#hasProfile ? profile : ""));
    }
    const size = encodeLittleEndian(4 + measurePieces(pieces), 4);
    this.#builder.write(join("RIFF", size, "WEBP"));
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) this.#builder.write(piece);
      else this.#builder.keep(piece.offset, piece.lengthBytes);
    }
    return this.#builder.build();
  }
}

function keepChunk({ start, length }: Chunk): Piece[] {
  if (length === 0) throw new CleaningRefusal("malformed");
  const whole = { offset: start - CHUNK_HEAD_BYTES, lengthBytes: CHUNK_HEAD_BYTES + length };
  return length % 2 ? [whole, new Uint8Array(1)] : [whole];
}

/** Tell whether chunks are one picture, with transparency beside VP8 or without. */
function isPicture(names: readonly string[]): boolean {
  return ["VP8 ", "VP8L", "ALPH,VP8 "].includes(names.join());
}
