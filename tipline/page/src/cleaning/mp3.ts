// MP3: frames of layer III, one behind the other.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/mp3.py keeps them in Python.

import { type Bytes, isSame, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { planFlac, SIGNATURE as FLAC } from "./flac.js";
import { cleanContents } from "./mp3contents.js";
import { HEAD_BYTES, type Head, isSecond, readHead, readSide } from "./mp3frames.js";
import { Patchwork } from "./patchwork.js";
import { type Plan, PlanBuilder } from "./plan.js";
import { findTags, hasTagBehind } from "./soundtags.js";
import type { Source } from "./source.js";

const MAX_CANDIDATES = 10_000; // between frames, that look like one; a megabyte of noise has 400
const SYNC = 0xff;

/** A frame whose filling is not known yet. */
interface Frame {
  readonly offset: number; // in the source
  readonly content: Bytes; // the whole
  readonly roomAt: number; // where its part of the reservoir begins, from its first byte
  readonly start: number; // where that is in the reservoir
  readonly end: number;
  isChanged: boolean; // whether anything became zero
}

/** A head, and where it was found. */
interface Found {
  readonly position: number;
  readonly head: Head;
}

/** Tell an MP3 without a tag in front by its first bytes. */
export function isMp3(head: Uint8Array): boolean {
  return readHead(head.subarray(0, HEAD_BYTES)) !== undefined;
}

/** Plan the cleaning of a file that `isMp3`, or begins with an ID3; behind which a FLAC may be. */
export async function planMp3(source: Source): Promise<Plan> {
  const tags = await findTags(source);
  const head = await source.readUpTo(tags.start, FLAC.length);
  if (startsWith(head, FLAC)) return planFlac(source);
  const builder = new PlanBuilder("mp3", source);
  builder.find(...tags.kinds);
  return new Reader(source, builder, tags.end).read(tags.start);
}

class Reader {
  readonly #patchwork: Patchwork;
  #candidates = 0;
  #waiting: Frame[] = [];
  #reservoirEnd = 0;
  #takenTo = 0; // of the reservoir, by the sound of the frames so far

  constructor(
    private readonly source: Source,
    private readonly builder: PlanBuilder,
    private readonly end: number,
  ) {
    this.#patchwork = new Patchwork(builder, source);
  }

  async read(start: number): Promise<Plan> {
    const first = await this.#findFirst(start);
    const family = first.head.family;
    let position = await this.#readFirst(first);
    while (position < this.end) {
      let head = this.#peekHead(position) ?? (await this.#readHead(position));
      if (head === undefined || !this.#fits(position, head, family)) {
        const found = await this.#findFrame(position, family);
        if (found === undefined) {
          this.builder.find("trailing");
          break;
        }
        this.builder.find("other");
        ({ position, head } = found);
      }
      await this.#addFrame(position, head);
      position += head.lengthBytes;
    }
    if (await hasTagBehind(this.source, start, position)) throw new CleaningRefusal("malformed");
    this.#fill(this.#reservoirEnd);
    await this.#letGo(this.#reservoirEnd);
    await this.#patchwork.finish();
    return this.builder.build();
  }

  async #findFirst(start: number): Promise<Found> {
    const head = await this.#readHead(start);
    if (head !== undefined && (await this.#isFollowed(start, head))) {
      return { position: start, head };
    }
    const found = await this.#findFrame(start, undefined);
    if (found === undefined) throw new CleaningRefusal("malformed");
    this.builder.find("other");
    return found;
  }

  /** The head at a place, if that lies in memory. */
  #peekHead(position: number): Head | undefined {
    const data = position + HEAD_BYTES <= this.end && this.source.peek(position, HEAD_BYTES);
    if (!data) return undefined;
    this.builder.countPart();
    return checkLength(readHead(data));
  }

  async #readHead(position: number): Promise<Head | undefined> {
    this.builder.countPart();
    if (position + HEAD_BYTES > this.end) return undefined;
    return checkLength(readHead(await this.source.read(position, HEAD_BYTES)));
  }

  /** Whether a whole frame of the stream is here. */
  #fits(position: number, head: Head, family: number): boolean {
    const isAlike = head.lengthBytes > 0 && head.family === family;
    return isAlike && position + head.lengthBytes <= this.end;
  }

  /** Whether a frame is followed by another of its family, or by the end. */
  async #isFollowed(position: number, head: Head): Promise<boolean> {
    if (head.lengthBytes === 0) throw new CleaningRefusal("unsupported");
    const next = position + head.lengthBytes;
    if (next === this.end) return true;
    const following = await this.#readHead(next);
    return following !== undefined && following.family === head.family;
  }

  /** Find the next frame that another follows. */
  async #findFrame(start: number, family: number | undefined): Promise<Found | undefined> {
    for (let from = start; ; from++) {
      const position = await this.source.find(SYNC, isSecond, from);
      if (position === undefined || position + 1 >= this.end) return undefined;
      this.#candidates++;
      if (this.#candidates > MAX_CANDIDATES) throw new CleaningRefusal("too-complex");
      from = position;
      const head = await this.#readHead(position);
      if (head === undefined || head.lengthBytes === 0) continue;
      if (family !== undefined && head.family !== family) continue;
      if (await this.#isFollowed(position, head)) return { position, head };
    }
  }

  /** Keep the first frame, which may be a table of contents; return what is behind it. */
  async #readFirst({ position, head }: Found): Promise<number> {
    const frame = (await this.source.read(position, head.lengthBytes)).slice();
    const contents = cleanContents(head, frame);
    if (contents === undefined) {
      await this.#addFrame(position, head);
    } else if (isSame(contents, frame)) {
      await this.#patchwork.keep(position, frame.length);
    } else {
      this.builder.find("software");
      await this.#patchwork.write(contents);
    }
    return position + head.lengthBytes;
  }

  /** Take a frame up, and let those go of which all is known now. */
  async #addFrame(position: number, head: Head): Promise<void> {
    const length = head.lengthBytes;
    const view = this.source.peek(position, length) ?? (await this.source.read(position, length));
    const content = view.slice();
    const [begin, bits] = readSide(head, content);
    const start = this.#reservoirEnd;
    const end = start + length - head.roomAt;
    const soundAt = start - begin;
    this.#fill(soundAt);
    await this.#letGo(soundAt);
    this.#waiting.push({
      offset: position,
      content,
      roomAt: head.roomAt,
      start,
      end,
      isChanged: false,
    });
    this.#reservoirEnd = end;
    this.#takenTo = Math.max(this.#takenTo, soundAt + Math.ceil(bits / 8));
  }

  /** Make what the sound so far does not take zero, up to `end`. */
  #fill(end: number): void {
    for (const frame of this.#waiting) {
      const from = frame.roomAt + Math.max(0, this.#takenTo - frame.start);
      const to = frame.roomAt + Math.min(end, frame.end) - frame.start;
      if (from >= to || frame.content.subarray(from, to).every((byte) => byte === 0)) continue;
      frame.content.fill(0, from, to);
      frame.isChanged = true;
      this.builder.find("software");
    }
    this.#takenTo = Math.max(this.#takenTo, end);
  }

  /** Write the frames whose room ends before `end`: no later sound leaves anything of it. */
  async #letGo(end: number): Promise<void> {
    for (;;) {
      const frame = this.#waiting[0];
      if (frame === undefined || frame.end > end) return;
      this.#waiting.shift();
      if (frame.isChanged) await this.#patchwork.write(frame.content);
      else await this.#patchwork.keep(frame.offset, frame.content.length);
    }
  }
}

function checkLength(head: Head | undefined): Head | undefined {
  if (head === undefined || head.lengthBytes === 0) return head;
  return head.lengthBytes < head.roomAt ? undefined : head;
}
