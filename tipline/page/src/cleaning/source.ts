// A file that is cleaned, read at any place: what a part claims of its length is checked before it
// is believed. One window of it lies in memory; parts are read out of that as long as they are in it.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

/** The longest window: each read has a price of its own, a long one hardly another. */
export const WINDOW_BYTES = 1024 * 1024;
const FIRST_WINDOW_BYTES = 64 * 1024; // after a jump; who reads on, or nearly, gets twice as much

/** What a file is read as: a `Blob`, or what stands before one. */
export interface Readable {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * Reads an untrusted file.
 *
 * What it gives are views of a window, and hold all of it in memory: whoever keeps one for longer
 * than a part takes a copy (`slice`).
 */
export class Source {
  readonly lengthBytes: number;
  #window: Bytes = new Uint8Array(0);
  #windowAt = 0;
  #nextBytes = FIRST_WINDOW_BYTES;

  constructor(private readonly untrustedFile: Readable) {
    this.lengthBytes = untrustedFile.size;
  }

  /** Exactly so many bytes, or a refusal. The caller bounds the length. */
  async read(offset: number, lengthBytes: number): Promise<Bytes> {
    this.check(offset, lengthBytes);
    return this.peek(offset, lengthBytes) ?? (await this.#load(offset, lengthBytes));
  }

  /** A part, or what there is of it. */
  async readUpTo(offset: number, lengthBytes: number): Promise<Bytes> {
    const length = Math.min(lengthBytes, this.lengthBytes - offset);
    if (length <= 0) return new Uint8Array(0); // wherever that is: no file is asked for it
    return this.peek(offset, length) ?? (await this.#load(offset, length));
  }

  /** A part, if it lies in the window: for loops in which waiting would take the most time. */
  peek(offset: number, lengthBytes: number): Bytes | undefined {
    const start = offset - this.#windowAt;
    const isInside = start >= 0 && start + lengthBytes <= this.#window.length;
    return isInside ? this.#window.subarray(start, start + lengthBytes) : undefined;
  }

  /** The byte at a place, or a refusal. */
  async byteAt(offset: number): Promise<number> {
    return (await this.read(offset, 1))[0] as number;
  }

  /** Hold that a part lies within the file. */
  check(offset: number, lengthBytes: number): void {
    if (offset + lengthBytes > this.lengthBytes) throw new CleaningRefusal("truncated");
  }

  /** The first place where `first` stands before a byte that fits, or undefined. */
  async find(
    first: number,
    fits: (second: number) => boolean,
    offset: number,
  ): Promise<number | undefined> {
    let start = offset;
    for (;;) {
      if (start + 2 > this.lengthBytes) return undefined;
      // What is left of the window is searched before the next is read.
      const end = this.#windowAt + this.#window.length;
      if (start < this.#windowAt || end - start < 2) await this.#load(start, 2);
      const data = this.#window.subarray(start - this.#windowAt);
      let at = data.indexOf(first);
      while (at >= 0 && at + 1 < data.length) {
        const second = data[at + 1] as number;
        if (fits(second)) return start + at;
        at = second === first ? at + 1 : data.indexOf(first, at + 2);
      }
      start += data.length - 1; // the last byte may be the first of two
    }
  }

  /** Read a window that holds at least this part, which lies within the file. */
  async #load(offset: number, lengthBytes: number): Promise<Bytes> {
    const skipped = offset - this.#windowAt - this.#window.length;
    const readsOn = this.#windowAt <= offset && skipped <= this.#nextBytes;
    this.#nextBytes = readsOn ? Math.min(2 * this.#nextBytes, WINDOW_BYTES) : FIRST_WINDOW_BYTES;
    const end = offset + Math.max(lengthBytes, this.#nextBytes);
    this.#window = new Uint8Array(await this.untrustedFile.slice(offset, end).arrayBuffer());
    this.#windowAt = offset;
    // Cut while it was read: browsers throw, and no search may wait for what never comes.
    if (this.#window.length < lengthBytes) throw new CleaningRefusal("truncated");
    return this.#window.subarray(0, lengthBytes);
  }
}
