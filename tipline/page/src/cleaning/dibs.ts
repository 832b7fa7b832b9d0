// Bitmaps inside drawings of Windows (DIB; MS-WMF 2.2.2.9): a head, colours, pixels.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/dibs.py keeps them in Python.

import { type Bytes, encodeLittleEndian, join, littleEndian } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { cleanRaster } from "./rasters.js";

const PALETTE = 1; // a usage: colours are numbers of a palette's
const PALETTE_INDICES = 2; // a usage: there are no colours
const HEAD_BYTES = 40;
const OLD_HEAD_BYTES = 12;
const HEADS: ReadonlySet<number> = new Set([40, 52, 56, 64, 108, 124]);
const DEPTHS: ReadonlySet<number> = new Set([1, 4, 8, 16, 24, 32]);
const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
const FIELDS = 3;
const JPEG = 4;
const PNG = 5;

/** A head as it is written, and how much of what was there it is, with its colours. */
interface Head {
  readonly written: Bytes;
  readonly lengthBytes: number;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly compression: number;
}

/** Clean a bitmap: the head with its colours, and the pixels; `rows` if not all are there. */
export async function cleanBitmap(
  untrustedHead: Bytes,
  untrustedPixels: Bytes,
  usage: number,
  rows?: number,
): Promise<[head: Bytes, pixels: Bytes]> {
  const head = readHead(untrustedHead, usage);
  const { compression, written } = head;
  const pixels =
    compression === JPEG || compression === PNG
      ? (await cleanRaster(untrustedPixels)).cleaned
      : compression === RLE8 || compression === RLE4
        ? untrustedPixels.slice(0, findEnd(untrustedPixels, compression))
        : cutRows(untrustedPixels, head, rows ?? head.height);
  if (written[0] === HEAD_BYTES) written.set(encodeLittleEndian(pixels.length, 4), 20);
  return [written, pixels];
}

/** Clean a bitmap whose pixels stand right behind its colours. */
export async function cleanPackedBitmap(
  untrusted: Bytes,
  usage: number,
  rows?: number,
): Promise<Bytes> {
  const { lengthBytes } = readHead(untrusted, usage);
  return join(...(await cleanBitmap(untrusted, untrusted.subarray(lengthBytes), usage, rows)));
}

function readHead(untrusted: Bytes, usage: number): Head {
  if (untrusted.length < OLD_HEAD_BYTES) throw new CleaningRefusal("malformed");
  const size = littleEndian(untrusted, 0, 4);
  if (size === OLD_HEAD_BYTES) return readOldHead(untrusted, usage);
  if (!HEADS.has(size) || untrusted.length < size) throw new CleaningRefusal("unsupported");
  const view = new DataView(untrusted.buffer, untrusted.byteOffset, size);
  const width = view.getInt32(4, true);
  const height = view.getInt32(8, true);
  const compression = view.getUint32(16, true);
  let depth = view.getUint16(14, true);
  let colourCount = view.getUint32(32, true);
  let importantCount = view.getUint32(36, true);
  if (width <= 0 || height === 0 || view.getUint16(12, true) !== 1) {
    throw new CleaningRefusal("malformed");
  }
  if (compression === JPEG || compression === PNG) depth = colourCount = importantCount = 0;
  else if (compression > PNG || !DEPTHS.has(depth)) throw new CleaningRefusal("unsupported");
  const isMismatched =
    (compression === RLE8 && depth !== 8) || (compression === RLE4 && depth !== 4);
  if (isMismatched) throw new CleaningRefusal("malformed");
  let masks = untrusted.subarray(0, 0);
  let skipped = 0;
  if (compression === FIELDS) {
    const isWrong = (depth !== 16 && depth !== 32) || untrusted.length < HEAD_BYTES + 12;
    if (isWrong) throw new CleaningRefusal("malformed");
    masks = untrusted.subarray(HEAD_BYTES, HEAD_BYTES + 12);
    if (size === HEAD_BYTES) skipped = masks.length;
  }
  let entryCount = 0;
  let unusedCount = 0;
  if (depth > 0 && depth <= 8) {
    entryCount = colourCount === 0 ? 1 << depth : colourCount;
    if (entryCount > 1 << depth) throw new CleaningRefusal("malformed");
    importantCount = Math.min(importantCount, entryCount);
  } else {
    unusedCount = colourCount;
    colourCount = importantCount = 0;
  }
  const [colours, entryBytes] = readColours(untrusted, size + skipped, entryCount, usage);
  const written = new Uint8Array(HEAD_BYTES);
  written.set(untrusted.subarray(0, 14));
  const fields = new DataView(written.buffer);
  fields.setUint32(0, HEAD_BYTES, true);
  fields.setUint16(14, depth, true);
  fields.setUint32(16, compression, true);
  fields.setUint32(32, colourCount, true);
  fields.setUint32(36, importantCount, true);
  return {
    written: join(written, masks, colours),
    lengthBytes: size + skipped + (entryCount + unusedCount) * entryBytes,
    width,
    height: Math.abs(height),
    depth,
    compression,
  };
}

function readOldHead(untrusted: Bytes, usage: number): Head {
  const width = littleEndian(untrusted, 4, 2);
  const height = littleEndian(untrusted, 6, 2);
  const depth = littleEndian(untrusted, 10, 2);
  if (width === 0 || height === 0 || littleEndian(untrusted, 8, 2) !== 1) {
    throw new CleaningRefusal("malformed");
  }
  if (![1, 4, 8, 24].includes(depth) || usage !== 0) throw new CleaningRefusal("unsupported");
  const lengthBytes = OLD_HEAD_BYTES + (depth <= 8 ? 3 << depth : 0);
  if (untrusted.length < lengthBytes) throw new CleaningRefusal("malformed");
  const written = untrusted.slice(0, lengthBytes);
  return { written, lengthBytes, width, height, depth, compression: RGB };
}

/** Read the colours; return them, and the length of one. */
function readColours(
  untrusted: Bytes,
  start: number,
  count: number,
  usage: number,
): [colours: Bytes, entryBytes: number] {
  if (usage === PALETTE_INDICES) return [new Uint8Array(0), 0];
  if (usage !== 0 && usage !== PALETTE) throw new CleaningRefusal("malformed");
  const entryBytes = usage === PALETTE ? 2 : 4;
  const colours = untrusted.slice(start, start + count * entryBytes);
  if (colours.length !== count * entryBytes) throw new CleaningRefusal("malformed");
  // The fourth byte means nothing.
  if (entryBytes === 4) for (let i = 3; i < colours.length; i += 4) colours[i] = 0;
  return [colours, entryBytes];
}

/** Cut the pixels to their rows, and blank what fills rows up. */
function cutRows(untrusted: Bytes, head: Head, rowCount: number): Bytes {
  const usedBits = head.width * head.depth;
  const rowBytes = Math.floor((usedBits + 31) / 32) * 4;
  if (rowCount > head.height || rowBytes * rowCount > untrusted.length) {
    throw new CleaningRefusal("malformed");
  }
  const pixels = untrusted.slice(0, rowBytes * rowCount);
  if (usedBits === rowBytes * 8) return pixels;
  const usedBytes = Math.floor((usedBits + 7) / 8);
  const mask = usedBits % 8 === 0 ? 0xff : 0xff00 >> (usedBits % 8);
  for (let row = 0; row < pixels.length; row += rowBytes) {
    pixels.fill(0, row + usedBytes, row + rowBytes);
    pixels[row + usedBytes - 1] = (pixels[row + usedBytes - 1] as number) & mask;
  }
  return pixels;
}

/** Find the end of compressed pixels. */
function findEnd(untrusted: Bytes, compression: number): number {
  let at = 0;
  while (at + 2 <= untrusted.length) {
    const first = untrusted[at] as number;
    const second = untrusted[at + 1] as number;
    at += 2;
    if (first !== 0) continue;
    if (second === 1) return at;
    if (second === 2) at += 2;
    else if (second > 2) at += 2 * Math.ceil((compression === RLE8 ? second : second / 2) / 2);
  }
  throw new CleaningRefusal("malformed");
}
