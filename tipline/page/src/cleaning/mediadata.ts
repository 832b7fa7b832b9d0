// The samples of a film: where they lie, in which order, and what of each is kept.
//
// Chunks are taken in the order in which they lie in the file, so what was one piece stays one. They
// must lie in `mdat`, each in a place of its own.

import { CleaningRefusal } from "./errors.js";
import { type Kind, measurePiece, type Piece, type PlanBuilder } from "./plan.js";
import { areLookedInto, SampleFilter } from "./samples.js";
import type { Source } from "./source.js";
import type { Chunk } from "./tables.js";
import type { Track } from "./tracks.js";

const MAX_FILTERED = 4_000_000; // samples of one track that are looked into: 18 hours of pictures

const HEVC: readonly string[] = ["hvc1", "hev1"];
const AV1 = "av01";

/** Where each `mdat` begins and ends. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** What takes the samples. */
export interface Target {
  readonly source: Source;
  readonly builder: PlanBuilder;
  readonly found: Set<Kind>;
}

/**
 * Put the samples of the tracks that are kept one behind the other.
 *
 * Their tables are told the new lengths of samples. Returns for each track the place of each chunk,
 * from the first sample on.
 */
export async function packSamples(
  tracks: readonly Track[],
  media: readonly Part[],
  target: Target,
): Promise<readonly Float64Array[]> {
  const places = tracks.map((track) => new Float64Array(track.table.offsets.length));
  const packer = new Packer(target);
  let part = -1;
  let start = 0;
  let end = 0;
  for (const [number, chunk] of mergeChunks(tracks)) {
    const track = tracks[number] as Track;
    const length = measureChunk(track, chunk);
    if (length === 0) continue;
    while (chunk.offset + length > end) {
      const following = media[++part];
      if (following === undefined) throw new CleaningRefusal("truncated");
      ({ start, end } = following);
    }
    if (chunk.offset < start) throw new CleaningRefusal("malformed");
    start = chunk.offset + length;
    const place = packer.writtenBytes;
    await packer.keep(track, chunk, length);
    // A chunk of which nothing is kept has the place of the first sample: it says nothing.
    if (packer.writtenBytes > place) (places[number] as Float64Array)[chunk.number] = place;
  }
  return places;
}

/** The length of a chunk in bytes. Of plain sound QuickTime counts samples, not bytes. */
function measureChunk({ descriptions, table }: Track, chunk: Chunk): number {
  const packet = descriptions[chunk.description]?.packet;
  if (packet === undefined || !table.durationIsOne) return table.measure(chunk);
  if (chunk.count % packet.samples) throw new CleaningRefusal("malformed");
  return (chunk.count / packet.samples) * packet.bytes;
}

/** The chunks of all tracks by their places. */
function* mergeChunks(tracks: readonly Track[]): Generator<readonly [number, Chunk]> {
  const rows = tracks.map(sortChunks);
  const heads = rows.map((row) => row.next().value);
  for (;;) {
    let least = -1;
    for (const [number, head] of heads.entries()) {
      if (head !== undefined && head.offset < (heads[least]?.offset ?? Infinity)) least = number;
    }
    const chunk = heads[least];
    if (chunk === undefined) return;
    yield [least, chunk];
    heads[least] = rows[least]?.next().value;
  }
}

/** A track's chunks by their places. Most files have them so. */
function sortChunks({ table }: Track): Iterator<Chunk, undefined> {
  const chunks = table.listChunks() as Iterator<Chunk, undefined> & Iterable<Chunk>;
  const isSorted = table.offsets.every(
    (offset, at) => at === 0 || (table.offsets[at - 1] as number) <= offset,
  );
  if (isSorted) return chunks;
  const sorted = [...chunks].sort((one, other) => one.offset - other.offset);
  return sorted[Symbol.iterator]() as Iterator<Chunk, undefined>;
}

class Packer {
  writtenBytes = 0;

  readonly #filter: SampleFilter;

  constructor(private readonly target: Target) {
    this.#filter = new SampleFilter(target.source, target.found);
  }

  /** Keep what is kept of a chunk. */
  async keep(track: Track, chunk: Chunk, length: number): Promise<void> {
    const { codec = "", config } = track.descriptions[chunk.description] ?? {};
    const coding = { config, isHevc: HEVC.includes(codec), isAv1: codec === AV1 };
    if (!areLookedInto(coding)) {
      this.#write([{ offset: chunk.offset, lengthBytes: length }]);
      return;
    }
    if (track.table.count > MAX_FILTERED) throw new CleaningRefusal("too-complex");
    let offset = chunk.offset;
    for (let sample = chunk.first; sample < chunk.first + chunk.count; sample++) {
      const size = track.table.size(sample);
      const pieces = await this.#filter.filter(coding, offset, size);
      const before = this.writtenBytes;
      this.#write(pieces ?? [{ offset, lengthBytes: size }]);
      const written = this.writtenBytes - before;
      if (written !== size) track.table.resize(sample, written);
      offset += size;
    }
  }

  #write(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      const length = measurePiece(piece);
      if (length === 0) continue;
      if (piece instanceof Uint8Array) this.target.builder.write(piece);
      else this.target.builder.keep(piece.offset, length);
      this.writtenBytes += length;
    }
  }
}
