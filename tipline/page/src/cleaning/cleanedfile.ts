// A cleaned file, read part by part: pieces that lie near each other in the source cost one read.
//
// A `Blob` made of slices would cost the browser a read for each of them.

import { CleaningRefusal } from "./errors.js";
import { measurePiece, type Plan, type Range } from "./plan.js";
import { WINDOW_BYTES } from "./source.js";

// Reading on over a hole takes less time than another read, which costs a millisecond.
const HOLE_BYTES = 64 * 1024;

/** A part of the source that is kept, and its place in the part that is asked for. */
interface Copy extends Range {
  readonly position: number;
}

/** What is read of the source at once, and what is copied out of it. */
interface Reading {
  start: number;
  end: number;
  readonly copies: Copy[];
}

/** Join copies that lie near each other, in either direction, as long as a window holds them. */
function listReadings(copies: readonly Copy[]): Reading[] {
  const readings: Reading[] = [];
  for (const copy of copies) {
    const { offset } = copy;
    const behind = offset + copy.lengthBytes;
    const last = readings.at(-1);
    if (last !== undefined) {
      const start = Math.min(last.start, offset);
      const end = Math.max(last.end, behind);
      const isNear = offset - last.end <= HOLE_BYTES && last.start - behind <= HOLE_BYTES;
      if (isNear && end - start <= WINDOW_BYTES) {
        last.start = start;
        last.end = end;
        last.copies.push(copy);
        continue;
      }
    }
    readings.push({ start: offset, end: behind, copies: [copy] });
  }
  return readings;
}

/** What a plan makes of its file. It is read as a `Blob` is, and holds nothing that was read. */
export class CleanedFile {
  readonly size: number;
  readonly #starts: Float64Array; // of the pieces, and the end of the last

  constructor(
    private readonly plan: Plan,
    private readonly file: Blob,
  ) {
    this.#starts = new Float64Array(plan.pieces.length + 1);
    let size = 0;
    plan.pieces.forEach((piece, index) => {
      size += measurePiece(piece);
      this.#starts[index + 1] = size;
    });
    this.size = size;
  }

  /** A part, which lies in it; read once it is asked for its bytes, refused if the file is cut. */
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    return { arrayBuffer: () => this.#read(start, end) };
  }

  async #read(start: number, end: number): Promise<ArrayBuffer> {
    const first = this.#find(start);
    const piece = this.plan.pieces[first];
    const skipped = start - this.#startOf(first);
    if (!(piece instanceof Uint8Array) && piece !== undefined) {
      // Most parts of most files: nothing to put together.
      if (skipped + end - start <= piece.lengthBytes) {
        return this.#load(piece.offset + skipped, piece.offset + skipped + end - start);
      }
    }
    const part = new Uint8Array(end - start);
    for (const reading of listReadings(this.#fill(part, first, start))) {
      const window = new Uint8Array(await this.#load(reading.start, reading.end));
      for (const { offset, lengthBytes, position } of reading.copies) {
        const at = offset - reading.start;
        part.set(window.subarray(at, at + lengthBytes), position);
      }
    }
    return part.buffer;
  }

  /** Fill in what is written anew, and list what is to be copied, nothing longer than a window. */
  #fill(part: Uint8Array, first: number, start: number): Copy[] {
    const copies: Copy[] = [];
    const end = start + part.length;
    for (let index = first; this.#startOf(index) < end; index++) {
      const piece = this.plan.pieces[index] as Plan["pieces"][number];
      const at = this.#startOf(index);
      const from = Math.max(start - at, 0);
      const to = Math.min(end - at, measurePiece(piece));
      if (piece instanceof Uint8Array) {
        part.set(piece.subarray(from, to), at + from - start);
        continue;
      }
      for (let cut = from; cut < to; cut += WINDOW_BYTES) {
        const lengthBytes = Math.min(to - cut, WINDOW_BYTES);
        copies.push({ offset: piece.offset + cut, lengthBytes, position: at + cut - start });
      }
    }
    return copies;
  }

  #startOf(index: number): number {
    return this.#starts[index] as number;
  }

  /** The last piece that begins at this place or before it. */
  #find(position: number): number {
    let low = 0;
    let high = this.plan.pieces.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#startOf(middle) <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  async #load(start: number, end: number): Promise<ArrayBuffer> {
    const data = await this.file.slice(start, end).arrayBuffer();
    // Cut while it was read: browsers throw, and no piece may be filled up with zeros.
    if (data.byteLength !== end - start) throw new CleaningRefusal("truncated");
    return data;
  }
}
