// WebM and Matroska (RFC 9559): films and sounds, as browsers record them.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/matroska.py keeps them in
// Python.

import { type Bytes, encodeBigEndian, join, startsWith, textOf } from "./bytes.js";
import { findNameKinds } from "./comments.js";
import {
  checkFloat,
  CRC_32,
  decodeHead,
  EBML,
  ElementReader,
  endOf,
  formatElement,
  formatHead,
  formatNumber,
  listElements,
  listNamed,
  MAX_HEAD_BYTES,
  readNumber,
  SIGNATURE,
  trimZeros,
  VOID,
} from "./ebml.js";
import { CleaningRefusal } from "./errors.js";
import { CLUSTER, Clusters } from "./matroskaclusters.js";
import { readTracks, type Track } from "./matroskatracks.js";
import { MAX_LOOKED_AT_BYTES } from "./movierules.js";
import { Patchwork } from "./patchwork.js";
import { type Kind, type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export { SIGNATURE } from "./ebml.js";

const MAX_NAME_BYTES = 64;
const READ_VERSION = 0x42f7;
const MAX_ID = 0x42f2;
const MAX_SIZE = 0x42f3;
const DOC_TYPE = 0x4282;
const VERSION = 0x4286;
const DOC_VERSION = 0x4287;
const DOC_READ_VERSION = 0x4285;
const MOST: readonly (readonly [number, number])[] = [
  [READ_VERSION, 1],
  [MAX_ID, 4],
  [MAX_SIZE, 8],
  [DOC_READ_VERSION, 4],
];
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CUES = 0x1c53bb6b;
const SEEK_HEAD = 0x114d9b74;
const TAGS = 0x1254c367;
const TELLING: ReadonlyMap<number, Kind> = new Map([
  [0x1941a469, "embedded"],
  [0x1043a770, "text"],
]);
const OF_NO_USE: readonly number[] = [CUES, SEEK_HEAD, VOID, CRC_32];
const TAG_PARTS: readonly number[] = [0x7373, 0x67c8];
const TAG_NAME = 0x45a3;
const SCALE = 0x2ad7b1;
const DURATION = 0x4489;
const PROGRAMS: readonly number[] = [0x4d80, 0x5741];
const NO_PROGRAM = "-"; // a program must be named
const TOLD: ReadonlyMap<number, Kind> = new Map([
  [0x4461, "time"],
  [0x7ba9, "text"],
  [0x73a4, "id"],
  [0x3cb923, "id"],
  [0x3eb923, "id"],
  [0x4444, "id"],
  [0x7384, "text"],
  [0x3c83ab, "text"],
  [0x3e83bb, "text"],
]);
const NANOSECONDS = 1_000_000;
const CUE_POINT = 0xbb;
const CUE_TIME = 0xb3;
const CUE_PLACES = 0xb7;
const CUE_TRACK = 0xf7;
const CUE_CLUSTER = 0xf1;
const PLACE_BYTES = 8; // always, so that cues are as long wherever they point

/** Plan the cleaning of a file that begins with `SIGNATURE`. */
export function planMatroska(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #elements: ElementReader;
  readonly #found = new Set<Kind>();
  #info: Bytes | undefined;
  #tracks: readonly Track[] = [];
  #clusters: Clusters | undefined;

  constructor(private readonly source: Source) {
    this.#elements = new ElementReader(source);
  }

  async read(): Promise<Plan> {
    const end = this.source.lengthBytes;
    const head = await this.#elements.read(0, end);
    const format = readDocType(await this.#elements.readContent(head));
    const segment = await this.#elements.read(endOf(head), end);
    if (segment.number !== SEGMENT) throw new CleaningRefusal("malformed");
    const builder = new PlanBuilder(format, this.source);
    const patchwork = new Patchwork(builder, this.source);
    const segmentEnd = segment.last ?? end;
    await this.#readSegment(segment.start, segmentEnd, patchwork);
    if (segmentEnd < end) {
      const behind = await this.source.readUpTo(segmentEnd, SIGNATURE.length);
      if (startsWith(behind, SIGNATURE)) throw new CleaningRefusal("unsupported");
      this.#found.add("trailing");
    }
    await patchwork.finish();
    if (!this.#clusters?.writtenBytes) throw new CleaningRefusal("malformed");
    builder.insert(this.#formatHead(format, this.#clusters), 0);
    builder.find(...this.#found);
    return builder.build();
  }

  async #readSegment(first: number, end: number, patchwork: Patchwork): Promise<void> {
    let at = first;
    while (at < end) {
      const element = await this.#elements.read(at, end);
      if (element.number === CLUSTER) {
        if (this.#clusters === undefined) throw new CleaningRefusal("malformed");
        at = await this.#clusters.keep(element, end);
        continue;
      }
      at = endOf(element);
      if (element.number === INFO) {
        if (this.#info !== undefined) throw new CleaningRefusal("malformed");
        this.#info = this.#formatInfo(await this.#elements.readContent(element));
      } else if (element.number === TRACKS) {
        this.#takeTracks(await this.#elements.readContent(element), patchwork);
      } else if (element.number === TAGS) {
        const length = Math.min(at - element.start, MAX_LOOKED_AT_BYTES);
        const tags = await this.source.read(element.start, length);
        for (const kind of findTagKinds(tags)) this.#found.add(kind);
      } else if (!OF_NO_USE.includes(element.number)) {
        this.#found.add(TELLING.get(element.number) ?? "other");
      }
    }
  }

  /** Write anew what is said of the segment. */
  #formatInfo(data: Uint8Array): Bytes {
    let scale = NANOSECONDS;
    let duration: Bytes | "" = "";
    for (const [number, content] of listElements(data)) {
      if (number === SCALE) {
        scale = readNumber(content);
      } else if (number === DURATION) {
        duration = formatElement(DURATION, checkFloat(content));
      } else if (PROGRAMS.includes(number)) {
        const name = textOf(trimZeros(content).subarray(0, MAX_NAME_BYTES));
        if (name !== "" && name !== NO_PROGRAM) this.#found.add("software");
      } else if (!OF_NO_USE.includes(number)) {
        this.#found.add(TOLD.get(number) ?? "other");
      }
    }
    if (scale === 0) throw new CleaningRefusal("malformed");
    const programs = PROGRAMS.map((number) => formatElement(number, NO_PROGRAM));
    return formatElement(INFO, formatNumber(SCALE, scale), duration, ...programs);
  }

  #takeTracks(data: Uint8Array, patchwork: Patchwork): void {
    if (this.#clusters !== undefined) throw new CleaningRefusal("malformed");
    this.#tracks = readTracks(data, this.#found);
    this.#clusters = new Clusters(this.#tracks, this.#elements, patchwork, this.#found);
  }

  #formatHead(format: "webm" | "mkv", clusters: Clusters): Bytes {
    const head = formatElement(
      EBML,
      formatNumber(VERSION, 1),
      formatNumber(READ_VERSION, 1),
      formatNumber(MAX_ID, 4),
      formatNumber(MAX_SIZE, 8),
      formatElement(DOC_TYPE, format === "webm" ? "webm" : "matroska"),
      formatNumber(DOC_VERSION, 4),
      formatNumber(DOC_READ_VERSION, 2),
    );
    const info = this.#info ?? this.#formatInfo(join());
    const tracks = formatElement(TRACKS, ...this.#tracks.map(({ entry }) => entry));
    const frontBytes = info.length + tracks.length;
    // As long wherever they point, so the first says how far the clusters are.
    const cues = formatCues(clusters, frontBytes + formatCues(clusters, 0).length);
    const size = frontBytes + cues.length + clusters.writtenBytes;
    return join(head, formatHead(SEGMENT, size), info, tracks, cues);
  }
}

function readDocType(data: Uint8Array): "webm" | "mkv" {
  const named = listNamed(data);
  const type = trimZeros(named.get(DOC_TYPE) ?? join());
  const format = isText(type, "webm") ? "webm" : isText(type, "matroska") ? "mkv" : undefined;
  if (format === undefined || MOST.some(([number, most]) => readNumber(named.get(number)) > most)) {
    throw new CleaningRefusal("unsupported");
  }
  return format;
}

function isText(data: Uint8Array, text: string): boolean {
  return data.length === text.length && startsWith(data, text);
}

/** Where to jump to; the clusters begin `base` bytes behind the segment's beginning. */
function formatCues({ cues, cueTrack }: Clusters, base: number): Bytes {
  if (cues.length === 0) return join();
  const points = cues.map(({ time, place }) =>
    formatElement(
      CUE_POINT,
      formatNumber(CUE_TIME, time),
      formatElement(
        CUE_PLACES,
        formatNumber(CUE_TRACK, cueTrack),
        formatElement(CUE_CLUSTER, encodeBigEndian(base + place, PLACE_BYTES)),
      ),
    ),
  );
  return formatElement(CUES, ...points);
}

/** Kinds by the names of tags: only what a person is told depends on them. */
function findTagKinds(data: Uint8Array): ReadonlySet<Kind> {
  const found = new Set<Kind>();
  for (let at = 0; at < data.length;) {
    const head = readTagHead(data.subarray(at, at + MAX_HEAD_BYTES));
    if (head?.size === undefined) break;
    const start = at + head.lengthBytes;
    at = TAG_PARTS.includes(head.number) ? start : start + head.size;
    if (head.number === TAG_NAME) {
      const name = textOf(data.subarray(start, Math.min(at, start + MAX_NAME_BYTES)));
      for (const kind of findNameKinds(name)) found.add(kind);
    }
  }
  return found.size > 0 ? found : new Set(["other"]);
}

function readTagHead(data: Uint8Array): ReturnType<typeof decodeHead> {
  try {
    return decodeHead(data);
  } catch (error) {
    if (error instanceof CleaningRefusal) return undefined;
    throw error;
  }
}
