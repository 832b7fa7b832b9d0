// H.264 and HEVC: samples are units, each behind its length; some are pictures, others only tell.
// Chromium, when it records, writes each behind a mark instead (their Annexes B).
//
// Kept are pictures and what decodes them. What only tells (SEI) is a row of messages: of them those
// stay that say how a picture is shown, with a length that fits. Encoders leave their names and
// settings there, cameras the place and the time. Fill goes, and so do units that the standards give
// no meaning, and those of a second layer.

import { bigEndian, type Bytes, encodeBigEndian, isSame, join, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Kind, Piece } from "./plan.js";
import type { Source } from "./source.js";
import { findPrefix } from "./startcodes.js";

const STREAM_MARK = Uint8Array.of(0, 0, 0, 1);
const MAX_SEI_BYTES = 64 * 1024; // a longer one goes unread

const AVC_KEPT: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 19]);
const AVC_SEI: readonly number[] = [6];
const HEVC_KEPT: ReadonlySet<number> = new Set([
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  ...[16, 17, 18, 19, 20, 21],
  ...[32, 33, 34, 35, 36, 37],
]);
const HEVC_SEI: readonly number[] = [39, 40];
// Recovery point, frame packing, display orientation, mastering display, light level, transfer.
// Each of the least and the greatest length that it can have.
const SEI_KEPT: ReadonlyMap<number, readonly [number, number]> = new Map([
  [6, [1, 8]],
  [45, [1, 24]],
  [47, [1, 8]],
  [137, [24, 24]],
  [144, [4, 4]],
  [147, [1, 1]],
]);

/** How the samples of a description are built. */
export interface Units {
  readonly lengthBytes: number;
  readonly isHevc: boolean;
}

/** What of a sample is kept, undefined if all of it is. `found` takes the kinds of what goes. */
export async function filterNals(
  source: Source,
  offset: number,
  size: number,
  { lengthBytes, isHevc }: Units,
  found: Set<Kind>,
): Promise<Piece[] | undefined> {
  const pieces: Piece[] = [];
  const end = offset + size;
  let start = offset;
  let at = offset;
  while (at < end) {
    const head = await source.read(at, Math.min(lengthBytes + 2, end - at));
    const unitBytes = bigEndian(head, 0, lengthBytes);
    const unit = at + lengthBytes;
    at = unit + unitBytes;
    if (at > end) throw new CleaningRefusal("malformed");
    const kind = readKind(head.subarray(lengthBytes, lengthBytes + unitBytes), isHevc);
    if ((isHevc ? HEVC_KEPT : AVC_KEPT).has(kind)) continue;
    let told: Uint8Array = new Uint8Array(0);
    if ((isHevc ? HEVC_SEI : AVC_SEI).includes(kind)) {
      const content = await source.read(unit, Math.min(unitBytes, MAX_SEI_BYTES));
      told = filterSei(content, isHevc ? 2 : 1, found);
      if (unitBytes === content.length && isSame(told, content)) continue;
    } else {
      found.add("other");
    }
    if (unit - lengthBytes > start) {
      pieces.push({ offset: start, lengthBytes: unit - lengthBytes - start });
    }
    if (told.length > 0) pieces.push(join(encodeBigEndian(told.length, lengthBytes), told));
    start = at;
  }
  if (start === offset) return undefined;
  if (end > start) pieces.push({ offset: start, lengthBytes: end - start });
  return pieces;
}

/** Keep of a sample whose units have marks before them what is kept. */
export function filterStream(untrusted: Uint8Array, isHevc: boolean, found: Set<Kind>): Bytes {
  const kept: Uint8Array[] = [];
  let mark = findPrefix(untrusted, 0);
  const before = mark < 0 ? untrusted : untrusted.subarray(0, mark);
  if (before.some((byte) => byte !== 0)) throw new CleaningRefusal("malformed");
  while (mark >= 0) {
    const start = mark + 3;
    mark = findPrefix(untrusted, start);
    let end = mark < 0 ? untrusted.length : mark;
    while (end > start && untrusted[end - 1] === 0) end--; // a unit ends with a bit that is set
    const unit = untrusted.subarray(start, end);
    const kind = readKind(unit, isHevc);
    if ((isHevc ? HEVC_KEPT : AVC_KEPT).has(kind)) {
      kept.push(STREAM_MARK, unit);
    } else if ((isHevc ? HEVC_SEI : AVC_SEI).includes(kind)) {
      const told = filterSei(unit.subarray(0, MAX_SEI_BYTES), isHevc ? 2 : 1, found);
      if (told.length > 0) kept.push(STREAM_MARK, told);
    } else {
      found.add("other");
    }
  }
  return joinAll(kept);
}

/** What a unit of the first layer is; -1 for any other. */
function readKind(head: Uint8Array, isHevc: boolean): number {
  const [first, second] = head;
  if (first === undefined) return -1;
  if (!isHevc) return first & 31;
  return second === undefined || first & 1 || second & 0xf8 ? -1 : (first >> 1) & 63;
}

/** Keep the messages that stay; nothing if there are none. */
function filterSei(unit: Uint8Array, headBytes: number, found: Set<Kind>): Uint8Array {
  const nothing = new Uint8Array(0);
  const plain = unescapeZeros(unit.subarray(headBytes));
  const kept: Uint8Array[] = [];
  let at = 0;
  const readNumber = (): number => {
    let number = 0;
    for (; plain[at] === 0xff; at++) number += 255;
    return number + (plain[at++] ?? 0);
  };
  while (at !== plain.length - 1 || plain[at] !== 0x80) {
    const start = at;
    const kind = readNumber();
    const size = readNumber();
    const content = plain.subarray(at, at + size);
    at += size;
    if (at >= plain.length) {
      // Not whole: nobody knows what it says.
      found.add("other");
      return nothing;
    }
    const [least, greatest] = SEI_KEPT.get(kind) ?? [1, 0];
    if (least <= size && size <= greatest) kept.push(plain.subarray(start, at));
    else found.add(hasEncoderName(content) ? "software" : "other");
  }
  if (kept.length === 0) return nothing;
  const again = joinAll([...kept, 0x80]);
  return isSame(again, plain) ? unit : join(unit.subarray(0, headBytes), escapeZeros(again));
}

function hasEncoderName(content: Uint8Array): boolean {
  for (let at = content.indexOf(0x78); at >= 0; at = content.indexOf(0x78, at + 1)) {
    if (content[at + 1] === 0x32 && content[at + 2] === 0x36) return true; // x26
  }
  return false;
}

function unescapeZeros(escaped: Uint8Array): Bytes {
  const plain = new Uint8Array(escaped.length);
  let length = 0;
  let zeros = 0;
  for (const byte of escaped) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    plain[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return plain.subarray(0, length);
}

function escapeZeros(plain: Uint8Array): Uint8Array {
  const escaped: number[] = [];
  let zeros = 0;
  for (const byte of plain) {
    if (zeros === 2 && byte < 4) {
      escaped.push(3);
      zeros = 0;
    }
    escaped.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(escaped);
}
