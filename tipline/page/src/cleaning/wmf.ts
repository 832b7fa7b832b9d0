// WMF (MS-WMF): older drawings of Windows inside documents, records that draw one after the other.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/wmf.py keeps them in Python.

import {
  type Bytes,
  encodeLittleEndian,
  join,
  joinAll,
  littleEndian,
  startsWith,
} from "./bytes.js";
import { cleanPackedBitmap } from "./dibs.js";
import { endName } from "./emfrecords.js";
import { CleaningRefusal } from "./errors.js";
import { type Drawing, LONGER, type Rewriter, WMF } from "./metafilerules.js";
import type { Kind } from "./plan.js";

const MAX_RECORDS = 1_000_000;
const PLACED = "\xd7\xcd\xc6\x9a";
const PLACED_BYTES = 22;
const HEAD_BYTES = 18;
const VERSIONS: readonly number[] = [0x100, 0x300];
const RECORD_BYTES = 6; // a record's length in words, and its number
const HATCHED = 2; // a brush's way
const FACE_AT = 24;
const FACE_BYTES = 32;
const HAS_RECTANGLE = 0x6;
const SET_PIXELS = 0x0d33;
/** Bit blocks that need no bitmap: how long, and where a word stands that means nothing. */
const BLOCKS: ReadonlyMap<number, readonly [words: number, filledAt: number]> = new Map([
  [0x0922, [12, 14]],
  [0x0940, [12, 14]],
  [0x0b23, [14, 18]],
  [0x0b41, [14, 18]],
]);

/** Tell WMF by its first bytes. */
export function isWmf(untrusted: Bytes): boolean {
  const start = startsWith(untrusted, PLACED) ? PLACED_BYTES : 0;
  if (start + HEAD_BYTES > untrusted.length) return false;
  const kind = littleEndian(untrusted, start, 2);
  const isHead = littleEndian(untrusted, start + 2, 2) === HEAD_BYTES / 2;
  return (
    [1, 2].includes(kind) && isHead && VERSIONS.includes(littleEndian(untrusted, start + 4, 2))
  );
}

/** Clean a WMF. */
export async function cleanWmf(untrusted: Bytes): Promise<Drawing> {
  const kinds = new Set<Kind>();
  const placed = startsWith(untrusted, PLACED) ? writePlaced(untrusted) : new Uint8Array(0);
  const out: Bytes[] = [];
  let at = placed.length + HEAD_BYTES;
  let largest = RECORD_BYTES;
  for (let i = 0; ; i++) {
    if (i >= MAX_RECORDS) throw new CleaningRefusal("too-complex");
    if (at + RECORD_BYTES > untrusted.length) throw new CleaningRefusal("truncated");
    const size = 2 * littleEndian(untrusted, at, 4);
    const number = littleEndian(untrusted, at + 4, 2);
    if (size < RECORD_BYTES) throw new CleaningRefusal("malformed");
    if (at + size > untrusted.length) throw new CleaningRefusal("truncated");
    const record = untrusted.subarray(at, at + size);
    at += size;
    if (number === 0) break;
    const dropped = WMF.dropped.get(number);
    if (dropped !== undefined) {
      kinds.add(dropped);
      continue;
    }
    const rewritten = rewrite(number, record);
    const written = rewritten instanceof Promise ? await rewritten : rewritten;
    out.push(written);
    largest = Math.max(largest, written.length);
  }
  if (at !== untrusted.length) kinds.add("trailing");
  out.push(join(3, 0, 0, 0, 0, 0));
  const head = untrusted.slice(placed.length, placed.length + HEAD_BYTES);
  const content = joinAll([placed, head, ...out]);
  const fields = new DataView(content.buffer, placed.length);
  fields.setUint16(0, 1, true);
  fields.setUint32(6, (content.length - placed.length) / 2, true);
  fields.setUint32(12, largest / 2, true);
  fields.setUint16(16, 0, true);
  return { content, kinds };
}

function writePlaced(untrusted: Bytes): Bytes {
  const head = untrusted.slice(0, PLACED_BYTES);
  head.fill(0, 4, 6).fill(0, 16);
  let sum = 0;
  for (let at = 0; at < PLACED_BYTES - 2; at += 2) sum ^= littleEndian(head, at, 2);
  head.set(encodeLittleEndian(sum, 2), PLACED_BYTES - 2);
  return head;
}

function rewrite(number: number, record: Bytes): Bytes | Promise<Bytes> {
  const words = WMF.fixed.get(number);
  if (words !== undefined) {
    if (record.length === 2 * words) return record;
    if (LONGER.has(number) && record.length === 2 * words + 2) return record.slice().fill(0, -2);
    throw new CleaningRefusal("malformed");
  }
  const [blockWords, filledAt] = BLOCKS.get(number) ?? [0, 0];
  if (record.length === 2 * blockWords) return record.slice().fill(0, filledAt, filledAt + 2);
  const places = WMF.bitmaps.get(number);
  if (places !== undefined) return rewriteBitmap(number, record, places);
  const rewriter = REWRITERS.get(number);
  if (rewriter === undefined) throw new CleaningRefusal("unsupported");
  return rewriter(record);
}

function word(record: Bytes, at: number): number {
  if (at + 2 > record.length) throw new CleaningRefusal("malformed");
  return littleEndian(record, at, 2);
}

/** Write a record with its number, and content of its own. */
function write(record: Bytes, ...content: Bytes[]): Bytes {
  const written = join(new Uint8Array(4), record.subarray(4, 6), ...content);
  const filled = written.length % 2 === 0 ? written : join(written, 0);
  filled.set(encodeLittleEndian(filled.length / 2, 4));
  return filled;
}

function take(record: Bytes, start: number, end: number): Bytes {
  if (end > record.length) throw new CleaningRefusal("malformed");
  return record.subarray(start, end);
}

async function rewriteBitmap(
  number: number,
  record: Bytes,
  places: readonly number[],
): Promise<Bytes> {
  const [ownWords, usageWord] = places as [number, number];
  const own = take(record, 6, 2 * ownWords);
  const usage = usageWord === 0 ? 0 : word(record, 2 * usageWord);
  const rows = number === SET_PIXELS ? word(record, 8) : undefined;
  return write(record, own, await cleanPackedBitmap(record.slice(2 * ownWords), usage, rows));
}

function rewritePen(record: Bytes): Bytes {
  return write(record, take(record, 6, 10), new Uint8Array(2), take(record, 12, 16));
}

function rewriteBrush(record: Bytes): Bytes {
  const hatch = word(record, 6) === HATCHED ? take(record, 12, 14) : new Uint8Array(2);
  return write(record, take(record, 6, 12), hatch);
}

function rewriteFont(record: Bytes): Bytes {
  const face = new Uint8Array(FACE_BYTES);
  face.set(record.subarray(FACE_AT, FACE_AT + FACE_BYTES));
  return write(record, take(record, 6, FACE_AT), endName(face, 1));
}

function rewritePoints(record: Bytes): Bytes {
  return write(record, take(record, 6, 8 + 4 * word(record, 6)));
}

function rewritePolygons(record: Bytes): Bytes {
  const count = word(record, 6);
  let points = 0;
  for (let i = 0; i < count; i++) points += word(record, 8 + 2 * i);
  return write(record, take(record, 6, 8 + 2 * count + 4 * points));
}

function rewritePalette(record: Bytes): Bytes {
  return write(record, take(record, 6, 10 + 4 * word(record, 8)));
}

function rewriteText(record: Bytes): Bytes {
  const count = word(record, 6);
  const end = 8 + count + (count % 2);
  const filler = new Uint8Array(count % 2);
  return write(record, take(record, 6, 8 + count), filler, take(record, end, end + 4));
}

function rewritePlacedText(record: Bytes): Bytes {
  const count = word(record, 10);
  const start = (word(record, 12) & HAS_RECTANGLE) !== 0 ? 22 : 14;
  const filler = new Uint8Array(count % 2);
  const own = take(record, 6, start + count);
  const distancesAt = start + count + filler.length;
  const distances = record.subarray(distancesAt, distancesAt + 2 * count);
  const isWhole = distances.length === 2 * count;
  return write(record, own, filler, isWhole ? distances : new Uint8Array(0));
}

/** By the record's number. */
const REWRITERS: ReadonlyMap<number, Rewriter> = new Map<number, Rewriter>([
  [0x0037, rewritePalette],
  [0x00f7, rewritePalette],
  [0x02fa, rewritePen],
  [0x02fb, rewriteFont],
  [0x02fc, rewriteBrush],
  [0x0324, rewritePoints],
  [0x0325, rewritePoints],
  [0x0436, rewritePalette],
  [0x0521, rewriteText],
  [0x0538, rewritePolygons],
  [0x0a32, rewritePlacedText],
]);
