// Ogg (RFC 3533): pages of one stream of sound, from its first to its last.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/ogg.py keeps them in Python.

import {
  type Bytes,
  encodeLittleEndian,
  join,
  joinAll,
  littleEndian,
  startsWith,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { addZeros, computeChecksum } from "./oggsums.js";
import { readIdentification, type Stream } from "./oggstreams.js";
import { LEAST_RANGE_BYTES, Patchwork } from "./patchwork.js";
import { type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export const SIGNATURE = "OggS";

const HEAD_BYTES = 27;
const MARKS = 5; // where they stand
const CHECKSUM = 22;
const SERIAL_AT = 14; // and four bytes behind it the number
const SERIAL = 1;
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of a packet before the sound; one that is kept has 8 KiB
const CONTINUED = 1;
const BEGIN = 2;
const END = 4;
const FULL = 255; // a segment that the packet goes on behind, and the most segments of a page
const NO_POSITION = new Uint8Array(8).fill(0xff); // of a page in which no packet ends
/** Where a page is, and its head. */
interface Page {
  readonly offset: number; // of its first byte
  readonly head: Bytes; // with the lengths of its parts
  readonly contentLength: number;
}

/** Plan the cleaning of a file that begins with `SIGNATURE`. */
export function planOgg(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  readonly #patchwork: Patchwork;
  #position = 0;
  #number = 0; // of the next page that is written
  #serial = SERIAL;
  #isOpen = false; // whether the last packet goes on in the next page

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("ogg", source);
    this.#patchwork = new Patchwork(this.#builder, source);
  }

  async read(): Promise<Plan> {
    const first = await this.#readPage();
    const isOnePacket = first.head[26] === 1 && first.contentLength < FULL;
    if (first.head[MARKS] !== BEGIN || !isOnePacket) throw new CleaningRefusal("malformed");
    this.#serial = serialOf(first.head);
    if (this.#serial !== SERIAL) this.#builder.find("id");
    const stream = readIdentification((await this.#readContent(first)).slice());
    this.#builder.find(...stream.kinds);
    await this.#writePackets([stream.identification], BEGIN);
    await this.#writePackets([stream.comments, ...(await this.#readHeaders(stream))], 0);
    for (let marks = 0; !(marks & END) && this.#position < this.source.lengthBytes;) {
      marks = await this.#keepPage();
    }
    if (this.#isOpen) throw new CleaningRefusal("truncated");
    if (this.#position < this.source.lengthBytes) {
      const behind = await this.source.readUpTo(this.#position, SIGNATURE.length);
      if (startsWith(behind, SIGNATURE)) throw new CleaningRefusal("unsupported");
      this.#builder.find("trailing");
    }
    await this.#patchwork.finish();
    return this.#builder.build();
  }

  /** Read the head of the next page. It is a view, for as long as nothing else is read. */
  async #readPage(): Promise<Page> {
    this.#builder.countPart();
    const offset = this.#position;
    // Most pages lie in the window: waiting for each would take the most time.
    const fixed =
      this.source.peek(offset, HEAD_BYTES) ?? (await this.source.read(offset, HEAD_BYTES));
    const marks = fixed[MARKS] as number;
    if (!startsWith(fixed, SIGNATURE) || fixed[4] !== 0 || marks > (CONTINUED | BEGIN | END)) {
      throw new CleaningRefusal("malformed");
    }
    const headLength = HEAD_BYTES + (fixed[HEAD_BYTES - 1] as number);
    const head =
      this.source.peek(offset, headLength) ?? (await this.source.read(offset, headLength));
    let contentLength = 0;
    for (let i = HEAD_BYTES; i < headLength; i++) contentLength += head[i] as number;
    this.#position = offset + headLength + contentLength;
    this.source.check(offset, headLength + contentLength);
    return { offset, head, contentLength };
  }

  #readContent(page: Page): Promise<Bytes> {
    return this.source.read(page.offset + page.head.length, page.contentLength);
  }

  /** Read the head of a page that goes on with the stream. */
  async #readNext(): Promise<Page> {
    const page = await this.#readPage();
    const marks = page.head[MARKS] as number;
    const isOther = serialOf(page.head) !== this.#serial;
    if (isOther && marks & BEGIN) throw new CleaningRefusal("unsupported");
    if (isOther || marks & BEGIN) throw new CleaningRefusal("malformed");
    if ((marks & CONTINUED) !== (this.#isOpen ? CONTINUED : 0)) {
      throw new CleaningRefusal("malformed");
    }
    if (page.head.length > HEAD_BYTES) this.#isOpen = page.head.at(-1) === FULL;
    return page;
  }

  /** Read the packets before the sound; give those that are kept. */
  async #readHeaders(stream: Stream): Promise<Bytes[]> {
    const kept: Bytes[] = [];
    let parts: Bytes[] = [];
    let length = 0;
    let count = 0;
    let isComplete = false;
    while (!isComplete) {
      const page = await this.#readNext();
      if ((page.head[MARKS] as number) & END) throw new CleaningRefusal("malformed");
      const segments = page.head.slice(HEAD_BYTES);
      const content = await this.#readContent(page);
      let start = 0;
      for (const segment of segments) {
        // The sound begins on a page of its own.
        if (isComplete) throw new CleaningRefusal("malformed");
        const taken = Math.min(segment, MAX_LOOKED_AT_BYTES - length);
        if (taken > 0) parts.push(content.slice(start, start + taken));
        length += taken;
        start += segment;
        if (segment === FULL) continue;
        const header = stream.readHeader(count++, joinAll(parts));
        this.#builder.find(...header.kinds);
        if (header.kept !== undefined) {
          if (length === MAX_LOOKED_AT_BYTES) throw new CleaningRefusal("too-complex");
          kept.push(header.kept);
        }
        isComplete = header.isLast;
        parts = [];
        length = 0;
      }
    }
    return kept;
  }

  /** Write pages of packets before the sound. */
  async #writePackets(packets: readonly Bytes[], firstMarks: number): Promise<void> {
    let content = joinAll(packets);
    let segments = join(
      ...packets.flatMap((packet) => [
        new Uint8Array(Math.floor(packet.length / FULL)).fill(FULL),
        packet.length % FULL,
      ]),
    );
    let marks = firstMarks;
    while (segments.length > 0) {
      const now = segments.slice(0, FULL);
      const length = now.reduce((sum, segment) => sum + segment, 0);
      const hasEnd = now.some((segment) => segment < FULL);
      const position = hasEnd ? new Uint8Array(8) : NO_POSITION;
      await this.#patchwork.write(
        this.#formatPage(marks, position, now, content.subarray(0, length)),
      );
      segments = segments.slice(FULL);
      content = content.subarray(length);
      marks = now.at(-1) === FULL ? CONTINUED : 0;
    }
  }

  /** Keep a page of sound; return its marks. */
  async #keepPage(): Promise<number> {
    const page = await this.#readNext();
    const length = page.head.length + page.contentLength;
    const marks = page.head[MARKS] as number;
    const isSmall = page.contentLength < LEAST_RANGE_BYTES;
    const copiedLength = isSmall ? length : page.head.length;
    const copied = (
      this.source.peek(page.offset, copiedLength) ??
      (await this.source.read(page.offset, copiedLength))
    ).slice();
    renumber(copied, this.#number++, length);
    await this.#patchwork.write(copied);
    if (!isSmall) await this.#patchwork.keep(page.offset + copiedLength, page.contentLength);
    return marks;
  }

  /** A page of our own: the next one. */
  #formatPage(marks: number, position: Bytes, segments: Bytes, content: Bytes): Bytes {
    const named = join(encodeLittleEndian(SERIAL, 4), encodeLittleEndian(this.#number++, 4));
    const rest = join(segments.length, segments, content);
    const page = join(SIGNATURE, 0, marks, position, named, "\0\0\0\0", rest);
    page.set(encodeLittleEndian(computeChecksum(page), 4), CHECKSUM);
    return page;
  }
}

/**
 * Give a page everybody's serial number and another number: in its head, which may be followed by
 * its content. Its checksum is right afterwards if it was.
 */
function renumber(page: Bytes, number: number, lengthBytes: number): void {
  const changed = new Uint8Array(CHECKSUM - SERIAL_AT);
  for (let i = 0; i < changed.length; i++) {
    const named = i < 4 ? SERIAL >>> (8 * i) : number >>> (8 * (i - 4));
    changed[i] = (page[SERIAL_AT + i] as number) ^ (named & 255);
    page[SERIAL_AT + i] = named & 255;
  }
  const difference = addZeros(computeChecksum(changed), lengthBytes - CHECKSUM);
  for (let i = 0; i < 4; i++) {
    page[CHECKSUM + i] = (page[CHECKSUM + i] as number) ^ ((difference >>> (8 * i)) & 255);
  }
}

/** The serial number in a page's head. */
function serialOf(head: Bytes): number {
  return littleEndian(head, SERIAL_AT, 4);
}
