// Puts a plan together of many small changes: short parts share a piece, long ones are ranges.
//
// tipline/cleaning/patchwork.py does the same in Python.

import { type Bytes, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export const LEAST_RANGE_BYTES = 4096; // a shorter range takes hardly more room as bytes

const PIECE_BYTES = 256 * 1024;
export const MAX_COPIED_BYTES = 64 * 1024 * 1024; // three hours of a voice note in the smallest pages

/** Adds to a plan, in order; nobody else adds to it before `finish`. */
export class Patchwork {
  #copied: Bytes[] = [];
  #waitingBytes = 0; // of what was copied and is in no piece yet
  #copiedBytes = 0;
  #keptAt = 0;
  #keptBytes = 0;

  constructor(
    private readonly builder: PlanBuilder,
    private readonly source: Source,
  ) {}

  /** Write bytes of our own, which nobody changes afterwards. */
  async write(data: Bytes): Promise<void> {
    if (this.#keptBytes > 0) await this.#endRange();
    this.#copy(data);
  }

  /** Keep a part of the source. */
  async keep(offset: number, lengthBytes: number): Promise<void> {
    if (this.#keptAt + this.#keptBytes !== offset) {
      await this.#endRange();
      this.#keptAt = offset;
    }
    this.#keptBytes += lengthBytes;
  }

  /** Add what is not added yet. */
  async finish(): Promise<void> {
    await this.#endRange();
    this.#flush();
  }

  async #endRange(): Promise<void> {
    if (this.#keptBytes >= LEAST_RANGE_BYTES) {
      this.#flush();
      this.builder.keep(this.#keptAt, this.#keptBytes);
    } else if (this.#keptBytes > 0) {
      this.#copy((await this.source.read(this.#keptAt, this.#keptBytes)).slice());
    }
    this.#keptAt += this.#keptBytes;
    this.#keptBytes = 0;
  }

  #copy(data: Bytes): void {
    this.#copiedBytes += data.length;
    if (this.#copiedBytes > MAX_COPIED_BYTES) throw new CleaningRefusal("too-complex");
    this.#copied.push(data);
    this.#waitingBytes += data.length;
    if (this.#waitingBytes >= PIECE_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#waitingBytes > 0) this.builder.write(joinAll(this.#copied));
    this.#copied = [];
    this.#waitingBytes = 0;
  }
}
