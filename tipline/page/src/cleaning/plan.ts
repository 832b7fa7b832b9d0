// What a cleaning keeps, writes and takes out: decided before anything is written.

import { type Bytes, isSame } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Source } from "./source.js";

export const MAX_PIECES = 65_536; // an animation of 30 minutes has about as many frames
const MAX_PARTS = 1_000_000; // a PNG of 8 GB in libpng's chunks has as many

/** The formats that are cleaned, each with the ending of its names. */
export const EXTENSIONS = {
  jpeg: "jpg",
  png: "png",
  webp: "webp",
  gif: "gif",
  tiff: "tiff",
  docx: "docx",
  xlsx: "xlsx",
  pptx: "pptx",
  odt: "odt",
  ods: "ods",
  odp: "odp",
  txt: "txt",
  csv: "csv",
  ogg: "ogg",
  flac: "flac",
  wav: "wav",
  mp3: "mp3",
  pdf: "pdf",
  m4a: "m4a",
  mp4: "mp4",
  mov: "mov",
  "3gp": "3gp",
  webm: "webm",
  mkv: "mkv",
  heic: "heic",
  avif: "avif",
} as const;
export type Format = keyof typeof EXTENSIONS;

/** The kinds of things that are found, in the order in which they are told. */
export const KINDS = [
  "place",
  "device",
  "time",
  "person",
  "software",
  "preview",
  "text",
  "id",
  "profile",
  "trailing",
  "history",
  "embedded",
  "other",
] as const;
export type Kind = (typeof KINDS)[number];

/** A part of the source that is kept as it is. */
export interface Range {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Kept from the source, or written anew. */
export type Piece = Range | Bytes;

/** A cleaning, not yet done. `kinds` is empty if and only if the file stays as it is. */
export interface Plan {
  readonly format: Format;
  readonly pieces: readonly Piece[];
  readonly kinds: readonly Kind[];
}

/** How long a piece is. */
export function measurePiece(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.lengthBytes;
}

/** How long pieces are together. */
export function measurePieces(pieces: readonly Piece[]): number {
  return pieces.reduce((length, piece) => length + measurePiece(piece), 0);
}

/** Collects a plan while a file is read. */
export class PlanBuilder {
  #pieces: Piece[] = [];
  readonly #kinds = new Set<Kind>();
  #partCount = 0;

  constructor(
    private readonly format: Format,
    private readonly source: Source,
  ) {}

  /** Count a part that is looked at; one too many is refused. */
  countPart(): void {
    this.#partCount++;
    if (this.#partCount > MAX_PARTS) throw new CleaningRefusal("too-complex");
  }

  /** Keep a part of the source. */
  keep(offset: number, lengthBytes: number): void {
    const last = this.#pieces.at(-1);
    if (
      last !== undefined &&
      !(last instanceof Uint8Array) &&
      last.offset + last.lengthBytes === offset
    ) {
      const longer = { offset: last.offset, lengthBytes: last.lengthBytes + lengthBytes };
      this.#pieces[this.#pieces.length - 1] = longer;
      return;
    }
    this.write({ offset, lengthBytes });
  }

  /** Add a piece behind the others. Bytes are its own: nobody changes them afterwards. */
  write(piece: Piece): void {
    if (this.#pieces.length >= MAX_PIECES) throw new CleaningRefusal("too-complex");
    this.#pieces.push(piece);
  }

  /**
   * Write something at a place that was passed already: only the whole file told what.
   *
   * `position` is in the cleaned file as it is so far; no piece written anew lies before it.
   */
  insert(data: Bytes, position: number): void {
    const pieces: Piece[] = [];
    let at = 0;
    for (const piece of this.#pieces) {
      const cut = position - at;
      const length = measurePiece(piece);
      if (0 < cut && cut < length && !(piece instanceof Uint8Array)) {
        pieces.push({ offset: piece.offset, lengthBytes: cut }, data);
        pieces.push({ offset: piece.offset + cut, lengthBytes: length - cut });
      } else if (cut === 0) {
        pieces.push(data, piece);
      } else {
        pieces.push(piece);
      }
      at += length;
    }
    this.#pieces = pieces;
  }

  /** Note that something goes. */
  find(...kinds: readonly Kind[]): void {
    for (const kind of kinds) this.#kinds.add(kind);
  }

  /** How long the cleaned file is so far. */
  measure(): number {
    return measurePieces(this.#pieces);
  }

  /** Finish. If the file changes in a way that has no kind of its own, that is `other`. */
  async build(): Promise<Plan> {
    if (this.#kinds.size === 0 && !(await isUnchanged(this.#pieces, this.source))) {
      this.#kinds.add("other");
    }
    const kinds = KINDS.filter((kind) => this.#kinds.has(kind));
    return { format: this.format, pieces: this.#pieces, kinds };
  }
}

async function isUnchanged(pieces: readonly Piece[], source: Source): Promise<boolean> {
  let position = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      if (!isSame(await source.readUpTo(position, piece.length), piece)) return false;
    } else if (piece.offset !== position) {
      return false;
    }
    position += measurePiece(piece);
  }
  return position === source.lengthBytes;
}
