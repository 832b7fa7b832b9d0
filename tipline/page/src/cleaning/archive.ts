// ZIP (APPNOTE 6.3), as far as documents use it: read strictly, written anew.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/archive.py keeps them in
// Python. Streams are inflated and deflated by the browser, up to the length that is declared.

import {
  type Bytes,
  encodeLittleEndian,
  isSame,
  join,
  joinAll,
  littleEndian,
  startsWith,
  textOf,
} from "./bytes.js";
import { crc32 } from "./crc32.js";
import { CleaningRefusal } from "./errors.js";
import { type Kind, measurePiece, type Piece, type PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export const SIGNATURE = "PK\x03\x04";
const MAX_MEMBERS = 10_000; // a presentation of 500 slides has about 3,000
const MAX_INFLATED_BYTES = 128 * 1024 * 1024; // of all members that are read; a phone has that much

const HEAD_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const ENTRY_SIGNATURE = "PK\x01\x02";
const END_SIGNATURE = "PK\x05\x06";
const MAX_COMMENT_BYTES = 0xffff;
const MAX_DIRECTORY_BYTES = 4 * 1024 * 1024;
const ENCRYPTED = 0x1 | 0x40;
const SIZES_BEHIND = 0x8;
const KNOWN_FLAGS = 0x6 | SIZES_BEHIND | 0x800;
const STORED = 0;
const DEFLATED = 8;
const VERSION = 20;
const DATE = 0x21; // 1 January 1980, the first day that the format knows
const ZIP64 = 0xffffffff;
/** RFC 1952: deflated, no flags, no time. */
const GZIP_HEAD: Bytes = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
const GZIP_FLAGS_AT = 3;
const GZIP_END_BYTES = 8; // sum and length

/** A file in an archive; its name is untrusted, its lengths are as declared. */
export interface Member {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly offset: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
}

/** A file as it stands in the cleaned archive. */
export interface Written {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly sizeBytes: number;
  readonly data: Piece;
}

/** Reads an archive. */
export class Archive {
  readonly kinds = new Set<Kind>();
  readonly members = new Map<string, Member>();
  #inflatedBytes = 0;

  private constructor(private readonly source: Source) {}

  /** Read the directory of an archive that begins with `SIGNATURE`. */
  static async open(source: Source): Promise<Archive> {
    const archive = new Archive(source);
    await archive.#readDirectory();
    return archive;
  }

  /** Read what a member holds, in memory of its own. */
  async read(member: Member): Promise<Bytes> {
    this.#inflatedBytes += member.sizeBytes;
    if (Math.max(this.#inflatedBytes, member.compressedBytes) > MAX_INFLATED_BYTES) {
      throw new CleaningRefusal("too-complex");
    }
    const data = (await this.source.read(member.offset, member.compressedBytes)).slice();
    if (member.method === DEFLATED) return inflate(data, member);
    if (data.length !== member.sizeBytes || crc32(data) !== member.checksum) {
      throw new CleaningRefusal("malformed");
    }
    return data;
  }

  /** Keep a member, which was read, as it is. */
  keep(member: Member, name: string): Written {
    return {
      name,
      method: member.method,
      checksum: member.checksum,
      sizeBytes: member.sizeBytes,
      data:
        member.compressedBytes > 0
          ? { offset: member.offset, lengthBytes: member.compressedBytes }
          : new Uint8Array(0),
    };
  }

  async #readDirectory(): Promise<void> {
    const { count, length, offset } = await this.#findEnd();
    const directory = (await this.source.read(offset, length)).slice();
    let position = 0;
    const spans: [number, number][] = [];
    for (let i = 0; i < count; i++) {
      const { member, headOffset, size } = await this.#readEntry(directory, position);
      position += size;
      spans.push([headOffset, member.offset + member.compressedBytes]);
      if (member.name.endsWith("/") && member.sizeBytes === 0) continue;
      if (this.members.has(member.name)) throw new CleaningRefusal("malformed");
      this.members.set(member.name, member);
    }
    spans.push([offset, offset + length]);
    spans.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    const overlaps = spans.some(
      (span, i) => i > 0 && (spans[i - 1] as [number, number])[1] > span[0],
    );
    if (position !== length || (spans[0] as [number, number])[0] !== 0 || overlaps) {
      throw new CleaningRefusal("malformed");
    }
  }

  async #findEnd(): Promise<{ count: number; length: number; offset: number }> {
    const total = this.source.lengthBytes;
    const start = Math.max(0, total - END_BYTES - MAX_COMMENT_BYTES);
    const tail = await this.source.read(start, total - start);
    let at = tail.length - 4;
    while (at >= 0 && !startsWith(tail.subarray(at), END_SIGNATURE)) at--;
    if (at < 0) throw new CleaningRefusal("truncated");
    if (tail.length - at < END_BYTES) throw new CleaningRefusal("malformed");
    const short = (offset: number) => littleEndian(tail, at + offset, 2);
    const [count, length, offset] = [
      short(10),
      littleEndian(tail, at + 12, 4),
      littleEndian(tail, at + 16, 4),
    ];
    const isSplit = short(4) !== 0 || short(6) !== 0 || short(8) !== count;
    const behind = tail.length - at - END_BYTES - short(20);
    if (isSplit || behind < 0) throw new CleaningRefusal("malformed");
    if (behind > 0) this.kinds.add("trailing");
    if (length === ZIP64 || offset === ZIP64) throw new CleaningRefusal("unsupported");
    if (count > MAX_MEMBERS || length > MAX_DIRECTORY_BYTES) {
      throw new CleaningRefusal("too-complex");
    }
    if (short(20) !== 0) this.kinds.add("text");
    if (offset + length > start + at) throw new CleaningRefusal("malformed");
    return { count, length, offset };
  }

  async #readEntry(
    directory: Bytes,
    position: number,
  ): Promise<{ member: Member; headOffset: number; size: number }> {
    if (position + ENTRY_BYTES > directory.length) throw new CleaningRefusal("malformed");
    const entry = directory.subarray(position, position + ENTRY_BYTES);
    const short = (offset: number) => littleEndian(entry, offset, 2);
    const long = (offset: number) => littleEndian(entry, offset, 4);
    const [flags, method, date] = [short(8), short(10), short(14)];
    const [checksum, compressedBytes, sizeBytes, headOffset] = [
      long(16),
      long(20),
      long(24),
      long(42),
    ];
    const start = position + ENTRY_BYTES;
    const name = directory.subarray(start, start + short(28));
    const isWhole = startsWith(entry, ENTRY_SIGNATURE) && short(34) === 0;
    if (!isWhole || name.length !== short(28) || name.length === 0) {
      throw new CleaningRefusal("malformed");
    }
    if ((flags & ENCRYPTED) !== 0) throw new CleaningRefusal("encrypted");
    if ((method !== STORED && method !== DEFLATED) || (flags & ~KNOWN_FLAGS) !== 0) {
      throw new CleaningRefusal("unsupported");
    }
    if ([compressedBytes, sizeBytes, headOffset].includes(ZIP64)) {
      throw new CleaningRefusal("unsupported");
    }
    if (method === STORED && compressedBytes !== sizeBytes) throw new CleaningRefusal("malformed");
    if (date !== DATE) this.kinds.add("time");
    const offset = await this.#checkHead(headOffset, name, entry);
    this.source.check(offset, compressedBytes);
    return {
      member: { name: decodeName(name), method, checksum, offset, compressedBytes, sizeBytes },
      headOffset,
      size: ENTRY_BYTES + short(28) + short(30) + short(32),
    };
  }

  /** Hold that a member's own head says what the directory says; return where its data is. */
  async #checkHead(offset: number, name: Bytes, entry: Bytes): Promise<number> {
    const head = (await this.source.read(offset, HEAD_BYTES)).slice();
    const nameLength = littleEndian(head, 26, 2);
    const hasSizes = (littleEndian(head, 6, 2) & SIZES_BEHIND) === 0;
    const agrees =
      startsWith(head, SIGNATURE) &&
      isSame(head.subarray(6, 10), entry.subarray(8, 12)) &&
      (!hasSizes || isSame(head.subarray(14, 26), entry.subarray(16, 28))) &&
      isSame(await this.source.read(offset + HEAD_BYTES, nameLength), name);
    if (!agrees) throw new CleaningRefusal("malformed");
    return offset + HEAD_BYTES + nameLength + littleEndian(head, 28, 2);
  }
}

/** Write a member anew, deflated. */
export async function writeMember(name: string, content: Bytes): Promise<Written> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  if (packed[GZIP_FLAGS_AT] !== 0) throw new Error("a head of gzip that has more than is needed");
  const data = packed.subarray(GZIP_HEAD.length, -GZIP_END_BYTES);
  const checksum = littleEndian(packed, packed.length - GZIP_END_BYTES, 4);
  return { name, method: DEFLATED, checksum, sizeBytes: content.length, data };
}

/** Write a member anew, as it is: what is compressed already. */
export function storeMember(name: string, content: Bytes): Written {
  const sizeBytes = content.length;
  return { name, method: STORED, checksum: crc32(content), sizeBytes, data: content };
}

/** Write an archive of members in their order. */
export function writeArchive(builder: PlanBuilder, members: readonly Written[]): void {
  const directory: Bytes[] = [];
  let position = 0;
  for (const member of members) {
    const length = measurePiece(member.data);
    const head = join(
      encodeLittleEndian(VERSION, 2),
      encodeLittleEndian(0, 2),
      encodeLittleEndian(member.method, 2),
      encodeLittleEndian(0, 2),
      encodeLittleEndian(DATE, 2),
      encodeLittleEndian(member.checksum, 4),
      encodeLittleEndian(length, 4),
      encodeLittleEndian(member.sizeBytes, 4),
      encodeLittleEndian(member.name.length, 2),
      encodeLittleEndian(0, 2),
    );
    builder.write(join(SIGNATURE, head, member.name));
    if (length > 0) builder.write(member.data);
    const made = encodeLittleEndian(VERSION, 2);
    const where = encodeLittleEndian(position, 4);
    directory.push(join(ENTRY_SIGNATURE, made, head, new Uint8Array(10), where, member.name));
    position += HEAD_BYTES + member.name.length + length;
  }
  const entries = joinAll(directory);
  const count = encodeLittleEndian(members.length, 2);
  const length = encodeLittleEndian(entries.length, 4);
  const end = join(
    END_SIGNATURE,
    0,
    0,
    0,
    0,
    count,
    count,
    length,
    encodeLittleEndian(position, 4),
    0,
    0,
  );
  builder.write(join(entries, end));
}

/** Some write names in UTF-8 without saying so, and some with the wrong stroke. */
function decodeName(name: Bytes): string {
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    decoded = textOf(name);
  }
  return decoded.replaceAll("\\", "/");
}

/** Inflate up to what is declared; what goes on behind it is refused, and so is a wrong sum. */
async function inflate(data: Bytes, { sizeBytes, checksum }: Member): Promise<Bytes> {
  // As gzip: the engine sums up, which takes a second for 20 MB where scripts are not compiled.
  const end = join(encodeLittleEndian(checksum, 4), encodeLittleEndian(sizeBytes, 4));
  const content = await inflateUpTo([GZIP_HEAD, data, end], "gzip", sizeBytes);
  // Not every engine notices what lies behind the end of the stream. The last byte of a stream is
  // needed: if it can be done without, it was not the last.
  const cut = data.subarray(0, -1);
  const shorter = data.length > 0 && (await inflateUpTo([cut], "deflate-raw", sizeBytes));
  if (content?.length !== sizeBytes || shorter !== undefined) {
    throw new CleaningRefusal("malformed");
  }
  return content;
}

/** The content of a stream that is whole, and not longer than declared; else undefined. */
async function inflateUpTo(
  data: Bytes[],
  format: CompressionFormat,
  sizeBytes: number,
): Promise<Bytes | undefined> {
  const stream = new Blob(data).stream().pipeThrough(new DecompressionStream(format));
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > sizeBytes) {
        await reader.cancel();
        return undefined;
      }
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof CleaningRefusal) throw error;
    return undefined; // what a stream throws is the engine's own
  }
  return chunks.length === 1 ? new Uint8Array(chunks[0] as Uint8Array) : joinAll(chunks);
}
