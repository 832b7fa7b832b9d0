// A file that is looked at, and somebody who watches how far that is, and may want no more of it.

import type { Readable } from "./cleaning/source.js";
import { Refusal } from "./refusal.js";

// Nobody reads figures that change more often; of a file that takes less none are shown.
const REPORT_MILLISECONDS = 300;

/** Reads as the file does, tells how far it is, and gives nothing more out once it is forgotten. */
export class WatchedFile implements Readable {
  readonly size: number;
  isForgotten = false;
  #reportedAt = Date.now();

  /** `report` is told which part of the file lies before the place that is read, from 0 to 1. */
  constructor(
    private readonly file: Blob,
    private readonly report: (part: number) => void,
  ) {
    this.size = file.size;
  }

  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    if (this.isForgotten) throw new Refusal("file");
    const now = Date.now();
    if (now - this.#reportedAt >= REPORT_MILLISECONDS) {
      this.#reportedAt = now;
      this.report(start / this.size);
    }
    return this.file.slice(start, end);
  }
}
