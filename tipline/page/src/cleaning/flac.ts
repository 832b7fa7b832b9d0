// FLAC (RFC 9639): blocks, then frames of sound.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/flac.py keeps them in Python.

import { bigEndian, isSame, join } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import {
  BLOCK_HEAD_BYTES,
  BLOCK_TYPE,
  checkStreaminfo,
  findBlockKinds,
  LAST_BLOCK,
  STREAMINFO,
  STREAMINFO_BYTES,
} from "./flacblocks.js";
import { type Plan, PlanBuilder } from "./plan.js";
import { findTags } from "./soundtags.js";
import type { Source } from "./source.js";

export const SIGNATURE = "fLaC";

const LONGEST_FRAME_BYTES = 1024 * 1024; // of two channels, 65,535 samples of 24 bits: 400 KB
const MAX_CANDIDATES = 4; // that look like the last frame's head; chance makes one in 10 MB
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of a block that goes
const SEARCHED_BYTES = 256 * 1024; // at once
const FORBIDDEN_BLOCK = 127;
const HEAD = join(SIGNATURE, LAST_BLOCK | STREAMINFO, 0, 0, STREAMINFO_BYTES);
const LONGEST_HEAD_BYTES = 16;
const SYNC = 0xff;
const SYNCS = [0xf8, 0xf9]; // behind it: blocks of one size, of several sizes

/** Plan the cleaning of a file that begins with `SIGNATURE`, or with ID3 and then with it. */
export async function planFlac(source: Source): Promise<Plan> {
  const builder = new PlanBuilder("flac", source);
  const tags = await findTags(source);
  builder.find(...tags.kinds);
  const position = await readBlocks(source, builder, tags.start + SIGNATURE.length);
  await checkSound(source, position, tags.end);
  await refuseSecond(source, position, tags.end);
  builder.keep(position, tags.end - position);
  return builder.build();
}

/** Keep STREAMINFO, look at all other blocks; return where the sound begins. */
async function readBlocks(source: Source, builder: PlanBuilder, first: number): Promise<number> {
  let position = first;
  for (let isFirst = true, isLast = false; !isLast; isFirst = false) {
    builder.countPart();
    const head = (await source.read(position, BLOCK_HEAD_BYTES)).slice();
    const mark = head[0] as number;
    const start = position + BLOCK_HEAD_BYTES;
    const length = bigEndian(head, 1, 3);
    source.check(start, length);
    const type = mark & BLOCK_TYPE;
    isLast = (mark & LAST_BLOCK) !== 0;
    if ((type === STREAMINFO) !== isFirst || type === FORBIDDEN_BLOCK) {
      throw new CleaningRefusal("malformed");
    }
    if (isFirst) {
      if (length !== STREAMINFO_BYTES) throw new CleaningRefusal("malformed");
      checkStreaminfo(await source.read(start, length));
      builder.write(HEAD);
      builder.keep(start, length);
    } else {
      const content = await source.read(start, Math.min(length, MAX_LOOKED_AT_BYTES));
      builder.find(...findBlockKinds(mark, content));
    }
    position = start + length;
  }
  return position;
}

/** Hold that sound begins with a frame and ends with a whole one. */
async function checkSound(source: Source, start: number, end: number): Promise<void> {
  const first = (await source.readUpTo(start, LONGEST_HEAD_BYTES)).slice();
  if (!isHead(first)) throw new CleaningRefusal("malformed");
  const tailAt = Math.max(start, end - LONGEST_FRAME_BYTES);
  const tail = await source.read(tailAt, Math.max(0, end - tailAt));
  let candidates = 0;
  // Below 0 a search would begin at the end again.
  for (let at = tail.length - 1; at >= 0 && candidates < MAX_CANDIDATES; at--) {
    at = tail.lastIndexOf(SYNC, at);
    if (at < 0) break;
    if (tail[at + 1] !== first[1] || !isHead(tail.subarray(at))) continue;
    candidates++;
    if (sum16(tail.subarray(at)) === 0) return;
  }
  throw new CleaningRefusal("truncated");
}

/** Hold that no other FLAC was put behind this one: its comments would stay. */
async function refuseSecond(source: Source, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += SEARCHED_BYTES) {
    const data = await source.read(at, Math.min(SEARCHED_BYTES + HEAD.length - 1, end - at));
    const [first] = HEAD as unknown as [number];
    for (let found = data.indexOf(first); found >= 0; found = data.indexOf(first, found + 1)) {
      // Few come as far as the last byte.
      if (data[found + HEAD.length - 1] !== STREAMINFO_BYTES) continue;
      const head = data.slice(found, found + HEAD.length);
      head[SIGNATURE.length] = (head[SIGNATURE.length] as number) | LAST_BLOCK;
      if (isSame(head, HEAD)) throw new CleaningRefusal("unsupported");
    }
  }
}

/** Whether a frame's head begins here, and its sum is right. Behind the end are zeros. */
function isHead(untrusted: Uint8Array): boolean {
  const head = new Uint8Array(LONGEST_HEAD_BYTES);
  head.set(untrusted.subarray(0, LONGEST_HEAD_BYTES));
  const at = (index: number) => head[index] as number;
  if (at(0) !== SYNC || !SYNCS.includes(at(1))) return false;
  const [size, rate, depth] = [at(2) >> 4, at(2) & 15, at(3) & 15] as const;
  if (size === 0 || rate === 15 || at(3) >> 4 > 10 || depth & 1 || depth === 6) return false;
  // The number is coded as UTF-8 codes characters, with up to seven bytes.
  const ones = Math.clz32(~(at(4) << 24));
  if (ones === 1 || ones === 8) return false;
  const sizeBytes = size === 6 ? 1 : size === 7 ? 2 : 0;
  const rateBytes = rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0;
  const length = 4 + (ones || 1) + sizeBytes + rateBytes;
  return sum8(head.subarray(0, length)) === head[length];
}

/** The sum of a frame's head (RFC 9639 section 9.1.8: polynomial 07, beginning with 0). */
function sum8(data: Uint8Array): number {
  let register = 0;
  for (const byte of data) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      register = (register << 1) ^ (register & 0x80 ? 0x107 : 0);
    }
  }
  return register;
}

/** The sum of a frame (section 9.3: polynomial 8005, beginning with 0); 0 if its own is right. */
function sum16(data: Uint8Array): number {
  let register = 0;
  for (let i = 0; i < data.length; i++) {
    const index = (register >> 8) ^ (data[i] as number);
    register = ((register << 8) & 0xffff) ^ (SUMS[index] as number);
  }
  return register;
}

const SUMS = Uint16Array.from({ length: 256 }, (_, value) => {
  let register = value << 8;
  for (let bit = 0; bit < 8; bit++) {
    register = (register << 1) ^ (register & 0x8000 ? 0x18005 : 0);
  }
  return register;
});
