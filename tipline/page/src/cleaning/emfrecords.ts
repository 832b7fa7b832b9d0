// Records of EMF that have no length of their own: written anew, as long as their fields ask for.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/emf_records.py keeps them in
// Python.

import { type Bytes, encodeLittleEndian, join, littleEndian } from "./bytes.js";
import { cleanBitmap } from "./dibs.js";
import { CleaningRefusal } from "./errors.js";
import { COUNTED, EMF, REGIONS, type Rewriter } from "./metafilerules.js";

const HATCHED = 2; // a brush's way
const FONT_BYTES = 332; // as GDI writes it
const FACE_AT = 40;
const FACE_END = 104;
const TEXT_BYTES = 76;
const PLACED_TWICE = 0x2000; // a letter has two distances
const NO_RECTANGLE = 0x100;
const IS_SHORT = 0x200;
const REGION_BYTES = 32;
const SET_PIXELS = 80;

/** End a name of a fixed length where it ends, at the first letter that is 0. */
export function endName(untrusted: Bytes, widthBytes: number): Bytes {
  const name = untrusted.slice();
  for (let at = 0; at < name.length; at += widthBytes) {
    if (littleEndian(name, at, widthBytes) === 0) return name.fill(0, at);
  }
  return name;
}

function number(record: Bytes, at: number): number {
  if (at + 4 > record.length) throw new CleaningRefusal("malformed");
  return littleEndian(record, at, 4);
}

function take(record: Bytes, start: number, lengthBytes: number): Bytes {
  if (start + lengthBytes > record.length) throw new CleaningRefusal("malformed");
  return record.subarray(start, start + lengthBytes);
}

function fill(content: Bytes): Bytes {
  return content.length % 4 === 0
    ? content
    : join(content, new Uint8Array(4 - (content.length % 4)));
}

/** Write a number into a record of our own. */
function put(written: Bytes, at: number, value: number): void {
  written.set(encodeLittleEndian(value, 4), at);
}

/** Cut a record behind what its fields ask for, and write its length anew. */
function cut(record: Bytes, lengthBytes: number, filledBytes = 0): Bytes {
  const content = take(record, 0, lengthBytes);
  const written = fill(join(content, new Uint8Array(filledBytes)));
  put(written, 4, written.length);
  return written;
}

function rewritePen(record: Bytes): Bytes {
  return cut(record, 28).fill(0, 20, 24);
}

function rewriteBrush(record: Bytes): Bytes {
  const written = cut(record, 24);
  return number(written, 12) === HATCHED ? written : written.fill(0, 20);
}

function rewriteStyledPen(record: Bytes): Bytes {
  // Lines of bitmaps.
  if (number(record, 16) !== 0 || number(record, 24) !== 0) {
    throw new CleaningRefusal("unsupported");
  }
  const count = number(record, 48);
  const written = cut(record, 52 + 4 * count, count === 0 ? 4 : 0).fill(0, 12, 28);
  return number(written, 36) === HATCHED ? written : written.fill(0, 44, 48);
}

function rewritePalette(record: Bytes): Bytes {
  return cut(record, 16 + 4 * littleEndian(take(record, 14, 2), 0, 2));
}

function rewriteFont(record: Bytes): Bytes {
  const face = endName(take(record, FACE_AT, FACE_END - FACE_AT), 2);
  const written = new Uint8Array(FONT_BYTES);
  written.set(record.subarray(0, FACE_AT));
  written.set(face, FACE_AT);
  put(written, 4, FONT_BYTES);
  return written;
}

function rewriteGradient(record: Bytes): Bytes {
  const corners = number(record, 24);
  const count = number(record, 28);
  const isTriangles = number(record, 32) === 2; // else rectangles, whose places are filled up
  const usedBytes = 36 + 16 * corners + (isTriangles ? 12 : 8) * count;
  take(record, 0, usedBytes);
  return cut(record, usedBytes, isTriangles ? 0 : 4 * count);
}

function rewriteRegion(record: Bytes, countAt: number, start: number): Bytes {
  if (number(record, countAt) === 0) return cut(record, start);
  const count = number(record, start + 8);
  if (number(record, start) !== REGION_BYTES || number(record, start + 4) !== 1) {
    throw new CleaningRefusal("malformed");
  }
  const written = cut(record, start + REGION_BYTES + 16 * count);
  put(written, countAt, REGION_BYTES + 16 * count);
  put(written, start + 12, 16 * count);
  return written;
}

function rewriteText(record: Bytes, widthBytes: number): Bytes {
  const count = number(record, 44);
  const textAt = number(record, 48);
  const distanceBytes = (number(record, 52) & PLACED_TWICE) !== 0 ? 8 : 4;
  const distancesAt = number(record, 72);
  const isWrong = textAt < TEXT_BYTES || (distancesAt > 0 && distancesAt < TEXT_BYTES);
  if (count > 0 && isWrong) throw new CleaningRefusal("malformed");
  const text = count > 0 ? fill(take(record, textAt, count * widthBytes)) : new Uint8Array(0);
  const hasDistances = count > 0 && distancesAt > 0;
  const distances = hasDistances ? take(record, distancesAt, count * distanceBytes) : [];
  const written = join(record.subarray(0, TEXT_BYTES), text, Uint8Array.from(distances));
  put(written, 4, written.length);
  put(written, 48, TEXT_BYTES);
  put(written, 72, distancesAt > 0 ? TEXT_BYTES + text.length : 0);
  return written;
}

function rewriteShortText(record: Bytes): Bytes {
  const options = number(record, 20);
  const start = (options & NO_RECTANGLE) !== 0 ? 36 : 52;
  return cut(record, start + number(record, 16) * ((options & IS_SHORT) !== 0 ? 1 : 2));
}

async function rewriteBitmap(record: Bytes, places: readonly number[]): Promise<Bytes> {
  const [ownBytes, ...pairs] = places as [number, ...number[]];
  const own = take(record, 0, ownBytes).slice();
  const pieces: Bytes[] = [];
  let end = ownBytes;
  for (let i = 0; i < pairs.length; i += 2) {
    const at = pairs[i + 1] as number;
    const headBytes = number(own, at + 4);
    if (headBytes === 0) {
      own.fill(0, at, at + 16);
      continue;
    }
    const headAt = number(own, at);
    const pixelsAt = number(own, at + 8);
    if (Math.min(headAt, pixelsAt) < ownBytes) throw new CleaningRefusal("malformed");
    const cleaned = await cleanBitmap(
      take(record, headAt, headBytes),
      take(record, pixelsAt, number(own, at + 12)),
      number(own, pairs[i] as number),
      record[0] === SET_PIXELS ? number(own, 72) : undefined,
    );
    for (const [part, piece] of cleaned.entries()) {
      put(own, at + 8 * part, end);
      put(own, at + 8 * part + 4, piece.length);
      const filled = fill(piece);
      pieces.push(filled);
      end += filled.length;
    }
  }
  put(own, 4, end);
  return join(own, ...pieces);
}

function makeCounted(ownBytes: number, countAt: number, eachBytes: number): Rewriter {
  return (record) => cut(record, ownBytes + eachBytes * number(record, countAt));
}

function makePolygons(pointBytes: number): Rewriter {
  return (record) => {
    const count = number(record, 24);
    const pointCount = number(record, 28);
    const written = cut(record, 32 + 4 * count + pointBytes * pointCount);
    let total = 0;
    for (let i = 0; i < count; i++) total += number(written, 32 + 4 * i);
    if (total !== pointCount) throw new CleaningRefusal("malformed");
    return written;
  };
}

/** By the record's number. */
export const REWRITERS: ReadonlyMap<number, Rewriter> = new Map<number, Rewriter>([
  [7, makePolygons(8)],
  [8, makePolygons(8)],
  [38, rewritePen],
  [39, rewriteBrush],
  [49, rewritePalette],
  [56, makeCounted(28, 24, 9)], // points, and a byte for each
  [75, (record) => rewriteRegion(record, 8, 16)],
  [82, rewriteFont],
  [83, (record) => rewriteText(record, 1)],
  [84, (record) => rewriteText(record, 2)],
  [90, makePolygons(4)],
  [91, makePolygons(4)],
  [92, makeCounted(28, 24, 5)],
  [95, rewriteStyledPen],
  [108, rewriteShortText],
  [118, rewriteGradient],
  ...COUNTED.map(([key, places]) => [key, makeCounted(...places)] as const),
  ...REGIONS.map(
    ([key, start]) => [key, (record: Bytes) => rewriteRegion(record, 24, start)] as const,
  ),
  ...[...EMF.bitmaps].map(
    ([key, places]) => [key, (record: Bytes) => rewriteBitmap(record, places)] as const,
  ),
]);
