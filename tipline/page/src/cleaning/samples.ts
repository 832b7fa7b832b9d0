// What of a sample is kept: by its codec, wherever it lies.

import { type Bytes, isSame } from "./bytes.js";
import type { Config } from "./codecs.js";
import { CleaningRefusal } from "./errors.js";
import { blankFills, HEAD_BYTES, mayHaveFill } from "./fills.js";
import { filterNals, filterStream } from "./nals.js";
import { filterUnits } from "./obus.js";
import type { Kind, Piece } from "./plan.js";
import type { Source } from "./source.js";
import { filterUserData } from "./startcodes.js";

const MAX_WHOLE_BYTES = 16 * 1024 * 1024; // of a sample that is read at once

/** How samples are coded. */
export interface Coding {
  readonly config?: Config | undefined;
  /** HEVC, else H.264, if samples are units. */
  readonly isHevc: boolean;
  readonly isAv1: boolean;
}

/** Whether samples may hold what is neither picture nor sound. */
export function areLookedInto({ config, isAv1 }: Coding): boolean {
  return (
    isAv1 ||
    Boolean(config?.lengthBytes || config?.isVisual || config?.hasFills || config?.isStream)
  );
}

/** Looks into samples. `found` takes the kinds of what goes. */
export class SampleFilter {
  constructor(
    private readonly source: Source,
    private readonly found: Set<Kind>,
  ) {}

  /** What of a sample is kept, undefined if all of it is. */
  async filter(coding: Coding, offset: number, size: number): Promise<Piece[] | undefined> {
    const { config, isHevc } = coding;
    if (config?.lengthBytes) {
      const units = { lengthBytes: config.lengthBytes, isHevc };
      return filterNals(this.source, offset, size, units, this.found);
    }
    return config?.hasFills ? this.#blank(offset, size) : this.#filterWhole(coding, offset, size);
  }

  async #blank(offset: number, size: number): Promise<Piece[] | undefined> {
    if (size === 0 || !mayHaveFill(await this.source.byteAt(offset))) return undefined;
    const head = await this.source.read(offset, Math.min(size, HEAD_BYTES));
    const blank = blankFills(head);
    if (isSame(blank, head)) return undefined;
    this.found.add("software");
    return [blank, { offset: offset + head.length, lengthBytes: size - head.length }];
  }

  async #filterWhole(coding: Coding, offset: number, size: number): Promise<Piece[] | undefined> {
    if (size > MAX_WHOLE_BYTES) throw new CleaningRefusal("too-complex");
    const sample = await this.source.read(offset, size);
    const kept = this.#filterSample(coding, sample);
    return isSame(kept, sample) ? undefined : [kept];
  }

  #filterSample({ config, isHevc, isAv1 }: Coding, sample: Bytes): Bytes {
    if (config?.isStream) return filterStream(sample, isHevc, this.found);
    const kept = isAv1 ? filterUnits(sample) : filterUserData(sample);
    if (!isSame(kept, sample)) this.found.add(isAv1 ? "other" : "software");
    return kept;
  }
}
