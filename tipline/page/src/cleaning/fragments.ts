// Films in fragments (ISO/IEC 14496-12, 8.8): tables that stand between the samples.
//
// Browsers and streams write them. They are put together into the tables of one whole film, which is
// then read as any other: nothing of a fragment is kept but what a sample is, and when it is shown.

import {
  type Box,
  type Boxes,
  Cursor,
  encodeNumbers,
  formatBox,
  listBoxes,
  listNamed,
  need,
} from "./boxes.js";
import { type Bytes, join, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { pack } from "./tables.js";

const MAX_SAMPLES = 4_000_000; // of one track: 18 hours of pictures

const HAS_BASE = 0x01;
const FROM_FRAGMENT = 0x020000;
const HAS_OFFSET = 0x01;
const HAS_FIRST_FLAGS = 0x04;
const HAS_SHIFTS = 0x800;
const IS_NO_SYNC = 0x010000;
const ENCRYPTED: readonly string[] = ["senc", "saiz", "saio"];
const MAX_SHORT = 2 ** 32 - 1;

/** What is true of a sample of which nothing else is said. */
interface Defaults {
  readonly description: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

interface Run {
  readonly first: number;
  readonly count: number;
  readonly description: number;
}

/** The samples of one track, of all fragments so far. */
class Samples {
  readonly sizes: number[] = [];
  readonly durations: number[] = [];
  readonly shifts: number[] = [];
  readonly syncs: number[] = [];
  readonly offsets: number[] = [];
  readonly runs: Run[] = [];
  endsAt = 0;
  shiftVersion = 0;
  isShifted = false;

  /** Write the tables of a whole film. */
  format(): Bytes {
    const count = this.sizes.length;
    const boxes = [formatPairs("stts", 0, this.durations)];
    if (this.isShifted) boxes.push(formatPairs("ctts", this.shiftVersion, this.shifts));
    if (this.syncs.length !== count) {
      boxes.push(formatBox("stss", encodeNumbers(4, 0, this.syncs.length), pack(this.syncs, 4)));
    }
    const runs = this.runs.flatMap((run) => [run.first, run.count, run.description]);
    boxes.push(
      formatBox("stsc", encodeNumbers(4, 0, this.runs.length), pack(runs, 4)),
      formatBox("stsz", encodeNumbers(4, 0, 0, count), pack(this.sizes, 4)),
      formatBox("co64", encodeNumbers(4, 0, this.offsets.length), pack(this.offsets, 8)),
    );
    return joinAll(boxes);
  }
}

/** Collects the samples of a film in fragments; `box` is `mvex` in the content of `moov`. */
export class Fragments {
  readonly #defaults = new Map<number, Defaults>();
  readonly #samples = new Map<number, Samples>();

  constructor(data: Uint8Array, box: Box) {
    for (const { name, start, end } of listBoxes(data, box.start, box.end)) {
      if (name !== "trex") continue;
      const cursor = new Cursor(data, start, end);
      cursor.take(4);
      const number = cursor.number(4);
      const description = cursor.number(4);
      const duration = cursor.number(4);
      const size = cursor.number(4);
      this.#defaults.set(number, { description, duration, size, flags: cursor.number(4) });
    }
  }

  /** Add a fragment: the content of `moof`, and where that box begins in the file. */
  add(data: Uint8Array, start: number): void {
    let base = start;
    for (const box of listBoxes(data, 0, data.length)) {
      if (box.name === "traf") base = this.#addTrack(data, box, start, base);
    }
  }

  /** The boxes of `stbl` but the descriptions; undefined if no fragment has samples of the track. */
  formatTables(number: number): Bytes | undefined {
    const samples = this.#samples.get(number);
    return samples !== undefined && samples.sizes.length > 0 ? samples.format() : undefined;
  }

  /** Add a track's part; return where its last sample ends. */
  #addTrack(data: Uint8Array, box: Box, start: number, before: number): number {
    const inside = listNamed(data, box.start, box.end);
    if (ENCRYPTED.some((name) => inside.has(name))) throw new CleaningRefusal("unsupported");
    const { number, defaults, base } = this.#readHead(data, need(inside, "tfhd"), start, before);
    const samples = this.#samples.get(number) ?? new Samples();
    this.#samples.set(number, samples);
    moveTo(samples, data, inside);
    let at = base;
    for (const run of listBoxes(data, box.start, box.end)) {
      if (run.name === "trun") {
        at = addRun(samples, defaults, new Cursor(data, run.start, run.end), base, at);
      }
    }
    return at;
  }

  #readHead(
    data: Uint8Array,
    box: Box,
    start: number,
    before: number,
  ): { number: number; defaults: Defaults; base: number } {
    const cursor = new Cursor(data, box.start, box.end);
    const flags = cursor.number(4) % 2 ** 24;
    const number = cursor.number(4);
    const known = this.#defaults.get(number);
    if (known === undefined) throw new CleaningRefusal("malformed");
    let base = before;
    if (flags & HAS_BASE) base = cursor.number(8);
    else if (flags & FROM_FRAGMENT) base = start;
    const description = flags & 0x02 ? cursor.number(4) : known.description;
    const duration = flags & 0x08 ? cursor.number(4) : known.duration;
    const size = flags & 0x10 ? cursor.number(4) : known.size;
    const sampleFlags = flags & 0x20 ? cursor.number(4) : known.flags;
    return { number, base, defaults: { description, duration, size, flags: sampleFlags } };
  }
}

/** Let the last sample last until the fragment begins. */
function moveTo(samples: Samples, data: Uint8Array, inside: Boxes): void {
  const box = inside.get("tfdt");
  if (box === undefined) return;
  const cursor = new Cursor(data, box.start, box.end);
  const beginsAt = cursor.number(Math.floor(cursor.number(4) / 2 ** 24) === 1 ? 8 : 4);
  const gap = beginsAt - samples.endsAt;
  if (gap === 0) return;
  const last = samples.durations.length - 1;
  const longer = (samples.durations[last] ?? MAX_SHORT) + gap;
  // What begins elsewhere than at 0 was cut out of something longer.
  if (gap < 0 || longer > MAX_SHORT) throw new CleaningRefusal("unsupported");
  samples.durations[last] = longer;
  samples.endsAt = beginsAt;
}

/** Add samples that lie one behind the other; return where the last one ends. */
function addRun(
  samples: Samples,
  defaults: Defaults,
  cursor: Cursor,
  base: number,
  before: number,
): number {
  const head = cursor.number(4);
  const version = Math.floor(head / 2 ** 24);
  const flags = head % 2 ** 24;
  const count = cursor.number(4);
  if (samples.sizes.length + count > MAX_SAMPLES) throw new CleaningRefusal("too-complex");
  let at = before;
  if (flags & HAS_OFFSET) at = base + (cursor.number(4) | 0); // with a sign
  const firstFlags = flags & HAS_FIRST_FLAGS ? cursor.number(4) : undefined;
  if (at < 0) throw new CleaningRefusal("malformed");
  if (count > 0) {
    samples.offsets.push(at);
    const { description } = defaults;
    const last = samples.runs.at(-1);
    if (last?.count !== count || last.description !== description) {
      samples.runs.push({ first: samples.offsets.length, count, description });
    }
  }
  for (let sample = 0; sample < count; sample++) {
    const duration = flags & 0x100 ? cursor.number(4) : defaults.duration;
    const size = flags & 0x200 ? cursor.number(4) : defaults.size;
    let told = flags & 0x400 ? cursor.number(4) : defaults.flags;
    const shift = flags & HAS_SHIFTS ? cursor.number(4) : 0;
    if (sample === 0 && firstFlags !== undefined) told = firstFlags;
    samples.sizes.push(size);
    samples.durations.push(duration);
    samples.shifts.push(shift);
    if (!(told & IS_NO_SYNC)) samples.syncs.push(samples.sizes.length);
    samples.endsAt += duration;
    at += size;
  }
  if (flags & HAS_SHIFTS) {
    samples.isShifted = true;
    samples.shiftVersion = Math.max(samples.shiftVersion, version & 1);
  }
  return at;
}

function formatPairs(name: string, version: number, numbers: readonly number[]): Bytes {
  const rows: number[] = [];
  let from = 0;
  numbers.forEach((number, at) => {
    if (numbers[at + 1] === number) return;
    rows.push(at + 1 - from, number);
    from = at + 1;
  });
  const head = join(version, "\0\0\0", encodeNumbers(4, rows.length / 2));
  return formatBox(name, head, pack(rows, 4));
}
