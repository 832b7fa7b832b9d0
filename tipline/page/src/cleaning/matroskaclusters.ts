// Clusters of WebM and Matroska (RFC 9559, 5.1.3): a time, and the blocks that follow it.
//
// Blocks of tracks that are kept stay as they are, if they hold nothing that goes. Of a group stay
// the block, its duration, what it refers to, and how much of it is not played. In a track of VP8 or
// VP9 that may be seen through, the other half of the picture stays, too.

import { type Bytes, isSame, join } from "./bytes.js";
import {
  CRC_32,
  type Element,
  type ElementReader,
  endOf,
  formatElement,
  formatHead,
  formatNumber,
  MAX_VALUE_BYTES,
  readNumber,
  VOID,
} from "./ebml.js";
import { CleaningRefusal } from "./errors.js";
import { type Block, GROUP_FLAGS, KEY, LACED, readBlock, SIMPLE_FLAGS } from "./matroskablocks.js";
import type { Track } from "./matroskatracks.js";
import { MAX_COPIED_BYTES, type Patchwork } from "./patchwork.js";
import { type Kind, measurePiece, measurePieces, type Piece } from "./plan.js";
import { areLookedInto, SampleFilter } from "./samples.js";

const MAX_CLUSTERS = 65_536; // 18 hours with one for each second
const MAX_CHANGES = 65_536; // pieces of a cluster
const MAX_REFERENCES = 16; // of a block to others; codecs have two

export const CLUSTER = 0x1f43b675;
// What ends a cluster that does not say how long it is: clusters, cues, info, tracks, seek heads,
// tags, attachments, chapters.
const TOP: readonly number[] = [
  ...[CLUSTER, 0x1c53bb6b, 0x1549a966, 0x1654ae6b, 0x114d9b74],
  ...[0x1254c367, 0x1941a469, 0x1043a770],
];
const TIME = 0xe7;
const BEFORE: readonly number[] = [0xa7, 0xab, VOID, CRC_32]; // where the cluster and its neighbour lay
const SIMPLE_BLOCK = 0xa3;
const GROUP = 0xa0;
const BLOCK = 0xa1;
const REFERENCE = 0xfb;
const GROUP_NUMBERS: readonly number[] = [0x9b, 0x75a2, REFERENCE]; // duration, what is not played
const ADDITIONS = 0x75a1;
const MORE = 0xa6;
const KIND = 0xee; // of an addition
const ADDITIONAL = 0xa5;
const ALPHA_KIND = 1;
const REFUSED: readonly number[] = [0xa4, 0xaf]; // a codec's state, encrypted blocks

interface Kept {
  readonly pieces: readonly Piece[];
  readonly block: Block;
  readonly isKey: boolean;
}

interface Group {
  readonly element: Element;
  readonly told: readonly Bytes[];
  readonly isKey: boolean;
  readonly isWhole: boolean; // nothing else is in it
  readonly additions: readonly Element[];
}

/** Where to jump to: when, and how far behind the first cluster's beginning. */
export interface Cue {
  readonly time: number;
  readonly place: number;
}

/** Keeps the clusters of a file, one behind the other. */
export class Clusters {
  readonly cueTrack: number;
  readonly cues: Cue[] = [];
  writtenBytes = 0;
  readonly #filter: SampleFilter;
  readonly #tracks: ReadonlyMap<number, Track>;
  #clusterCount = 0;

  constructor(
    tracks: readonly Track[],
    private readonly elements: ElementReader,
    private readonly patchwork: Patchwork,
    private readonly found: Set<Kind>,
  ) {
    this.#filter = new SampleFilter(elements.source, found);
    this.#tracks = new Map(tracks.map((track) => [track.number, track]));
    // Whoever jumps jumps to a picture.
    const first = tracks.find(({ isVideo }) => isVideo) ?? tracks[0];
    this.cueTrack = first?.number ?? 0;
  }

  /** Keep what is kept of a cluster in what ends at `end`. Returns where the next element is. */
  async keep(cluster: Element, end: number): Promise<number> {
    const limit = cluster.last ?? end;
    let at = cluster.start;
    let time: number | undefined;
    let cue: number | undefined;
    const pieces = new Pieces();
    while (at < limit) {
      const element = await this.elements.read(at, limit);
      if (cluster.last === undefined && TOP.includes(element.number)) break;
      at = endOf(element);
      if (element.number === TIME) {
        if (time !== undefined) throw new CleaningRefusal("malformed");
        time = readNumber(await this.elements.readContent(element));
      }
      const kept = await this.#keepElement(element);
      if (kept === undefined) continue;
      if (time === undefined) throw new CleaningRefusal("malformed");
      pieces.add(kept.pieces);
      // Nobody jumps to a block of which nothing is left.
      const isKey = kept.isKey && kept.pieces.length > 0;
      if (cue === undefined && isKey && kept.block.number === this.cueTrack) {
        cue = Math.max(0, time + kept.block.time);
      }
    }
    if (pieces.lengthBytes > 0) await this.#write(time ?? 0, cue, pieces);
    return at;
  }

  async #keepElement(element: Element): Promise<Kept | undefined> {
    if (element.number === SIMPLE_BLOCK) return this.#keepSimple(element);
    if (element.number === GROUP) return this.#keepGroup(element);
    if (element.number !== TIME && !BEFORE.includes(element.number)) this.found.add("other");
    return undefined;
  }

  async #write(time: number, cue: number | undefined, pieces: Pieces): Promise<void> {
    this.#clusterCount++;
    if (this.#clusterCount > MAX_CLUSTERS) throw new CleaningRefusal("too-complex");
    if (cue !== undefined) this.cues.push({ time: cue, place: this.writtenBytes });
    const told = formatNumber(TIME, time);
    const head = join(formatHead(CLUSTER, told.length + pieces.lengthBytes), told);
    await this.patchwork.write(head);
    for (const piece of pieces.pieces) {
      if (piece instanceof Uint8Array) await this.patchwork.write(piece);
      else await this.patchwork.keep(piece.offset, piece.lengthBytes);
    }
    this.writtenBytes += head.length + pieces.lengthBytes;
  }

  async #keepSimple(element: Element): Promise<Kept | undefined> {
    const length = endOf(element) - element.start;
    const block = await readBlock(this.elements.source, element.start, length);
    const track = this.#tracks.get(block.number);
    if (track === undefined) return undefined;
    const pieces = (await this.#look(element, block, track, SIMPLE_FLAGS)) ?? [whole(element)];
    return { pieces, block, isKey: (block.flags & KEY) !== 0 };
  }

  /** Keep what is kept of a block and what is said of it. */
  async #keepGroup(element: Element): Promise<Kept | undefined> {
    const group = await this.#readGroup(element);
    const { element: inside, told, isKey, additions } = group;
    const length = endOf(inside) - inside.start;
    const block = await readBlock(this.elements.source, inside.start, length);
    const track = this.#tracks.get(block.number);
    if (track === undefined) return undefined;
    let isWhole = group.isWhole && additions.length === 0;
    let beside: readonly Piece[] = [];
    const [addition] = additions;
    if (addition !== undefined && track.hasAlpha) {
      // Half of the picture would go.
      if (!track.keepsAlpha || additions.length > 1) throw new CleaningRefusal("unsupported");
      const alpha = await this.#readAlpha(addition);
      beside = alpha.pieces;
      isWhole = group.isWhole && alpha.isAsWritten;
    }
    const kept = await this.#look(inside, block, track, GROUP_FLAGS);
    if (kept === undefined && isWhole) return { pieces: [whole(element)], block, isKey };
    const pieces = kept ?? [whole(inside)];
    if (pieces.length === 0) return { pieces, block, isKey };
    const content = [...pieces, ...told, ...beside];
    return { pieces: [formatHead(GROUP, measurePieces(content)), ...content], block, isKey };
  }

  async #readGroup(element: Element): Promise<Group> {
    const told: Bytes[] = [];
    const numbers: number[] = [];
    const end = endOf(element);
    let inside: Element | undefined;
    let isWhole = true;
    const additions: Element[] = [];
    for (let at = element.start; at < end;) {
      const child = await this.elements.read(at, end);
      at = endOf(child);
      if (REFUSED.includes(child.number)) throw new CleaningRefusal("unsupported");
      if (child.number === BLOCK) {
        if (inside !== undefined) throw new CleaningRefusal("malformed");
        isWhole &&= numbers.length === 0;
        inside = child;
      } else if (GROUP_NUMBERS.includes(child.number)) {
        numbers.push(child.number);
        told.push(await this.#readTold(child, numbers));
      } else if (child.number === ADDITIONS) {
        additions.push(child);
      } else {
        isWhole = false;
      }
    }
    if (inside === undefined) throw new CleaningRefusal("malformed");
    return { element: inside, told, isKey: !numbers.includes(REFERENCE), isWhole, additions };
  }

  /** The other half of a picture, and whether it stands there as it is written anew. */
  async #readAlpha(
    addition: Element,
  ): Promise<{ readonly pieces: readonly Piece[]; readonly isAsWritten: boolean }> {
    const end = endOf(addition);
    if (addition.start === end) throw new CleaningRefusal("unsupported");
    const more = await this.elements.read(addition.start, end);
    if (more.number !== MORE || endOf(more) !== end) throw new CleaningRefusal("unsupported");
    let data: Element | undefined;
    for (let at = more.start; at < end;) {
      const child = await this.elements.read(at, end);
      at = endOf(child);
      if (child.number === ADDITIONAL && data === undefined && child.start < at) {
        data = child;
      } else if (
        child.number !== KIND ||
        readNumber(await this.elements.readContent(child)) !== ALPHA_KIND
      ) {
        throw new CleaningRefusal("unsupported");
      }
    }
    if (data === undefined) throw new CleaningRefusal("unsupported");
    const size = endOf(data) - data.start;
    const inner = join(formatNumber(KIND, ALPHA_KIND), formatHead(ADDITIONAL, size));
    const outer = join(formatHead(MORE, inner.length + size), inner);
    const head = join(formatHead(ADDITIONS, outer.length + size), outer);
    const isAsWritten =
      data.start - addition.at === head.length &&
      endOf(data) === end &&
      isSame(await this.elements.source.read(addition.at, head.length), head);
    return { pieces: [head, { offset: data.start, lengthBytes: size }], isAsWritten };
  }

  /** A number that is told of a block, as it is written. */
  async #readTold(element: Element, numbers: readonly number[]): Promise<Bytes> {
    const length = endOf(element) - element.start;
    const count = numbers.filter((number) => number === element.number).length;
    if (length > MAX_VALUE_BYTES || count > (element.number === REFERENCE ? MAX_REFERENCES : 1)) {
      throw new CleaningRefusal("malformed");
    }
    const content = await this.elements.source.read(element.start, length);
    return formatElement(element.number, content);
  }

  /** What of a block is kept: undefined if all of it is, nothing if no sample is left. */
  async #look(
    element: Element,
    block: Block,
    track: Track,
    flags: number,
  ): Promise<Piece[] | undefined> {
    const isLookedInto = areLookedInto(track);
    let isChanged = (block.flags & ~flags) !== 0;
    if (!isLookedInto && !isChanged) return undefined;
    const kept: Piece[] = [];
    let at = element.start + block.headBytes;
    for (const size of block.sizes) {
      const pieces = isLookedInto ? await this.#filter.filter(track, at, size) : undefined;
      if (pieces !== undefined) {
        isChanged = true;
        if (block.flags & LACED && measurePieces(pieces) !== size) {
          throw new CleaningRefusal("unsupported");
        }
      }
      kept.push(...(pieces ?? [{ offset: at, lengthBytes: size }]));
      at += size;
    }
    if (!isChanged) return undefined;
    const left = kept.filter((piece) => measurePiece(piece) > 0);
    if (left.length === 0) return [];
    const head = (await this.elements.source.read(element.start, block.headBytes)).slice();
    head[block.flagsAt] = block.flags & flags;
    const length = head.length + measurePieces(left);
    return [join(formatHead(element.number, length), head), ...left];
  }
}

/** The pieces of a cluster; what lies behind each other is one. */
class Pieces {
  readonly pieces: Piece[] = [];
  lengthBytes = 0;
  #copiedBytes = 0;

  /** Add some behind the others. */
  add(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      this.lengthBytes += measurePiece(piece);
      const last = this.pieces.at(-1);
      if (piece instanceof Uint8Array) {
        this.#copiedBytes += piece.length;
      } else if (
        last !== undefined &&
        !(last instanceof Uint8Array) &&
        last.offset + last.lengthBytes === piece.offset
      ) {
        const lengthBytes = last.lengthBytes + piece.lengthBytes;
        this.pieces[this.pieces.length - 1] = { offset: last.offset, lengthBytes };
        continue;
      }
      this.pieces.push(piece);
    }
    if (this.pieces.length > MAX_CHANGES || this.#copiedBytes > MAX_COPIED_BYTES) {
      throw new CleaningRefusal("too-complex");
    }
  }
}

/** All of an element, with its head. */
function whole(element: Element): Piece {
  return { offset: element.at, lengthBytes: endOf(element) - element.at };
}
