// JBIG2 and JPEG 2000, as scanners write them into a PDF.
//
// 1. Of JBIG2 (ITU-T T.88, 7.2) the segments that hold pixels, symbols and pages stay; extensions,
//    which are comments, and what is not known go. What a page and its parts have as their data is
//    as long as their format says.
// 2. Of JPEG 2000 (ISO 15444-1, annexes A and I) the boxes that a decoder needs stay, each as long as
//    its format says, and of the codestream's head what decodes: comments and tables of lengths go,
//    what is not known is refused. In a later head a comment is refused, too: lengths count it.

import {
  bigEndian,
  type Bytes,
  encodeBigEndian,
  join,
  latin1,
  startsWith,
  textOf,
} from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const MAX_SEGMENTS = 100_000; // of one image; a page of a scan has about ten

// Symbols, texts, patterns, halftones, regions, refinements, page, its end, stripe, tables.
const JBIG2_KEPT: ReadonlySet<number> = new Set([
  0, 4, 6, 7, 16, 20, 22, 23, 36, 38, 39, 40, 42, 43, 48, 49, 50, 53,
]);
// Of a page, of its end, of a stripe's end.
const JBIG2_BYTES: ReadonlyMap<number, number> = new Map([
  [48, 19],
  [49, 0],
  [50, 4],
]);
const UNKNOWN_LENGTH = 0xffffffff;
const MANY_REFERRED = 7;

const JP2_SIGNATURE = "\0\0\0\x0cjP  \r\n\x87\n";
const JP2_HEAD_KEPT: ReadonlySet<string> = new Set([
  "ihdr",
  "bpcc",
  "colr",
  "pclr",
  "cmap",
  "cdef",
]);
const CODESTREAM = "\xff\x4f\xff\x51";
const [SOT, SOD, EOC] = [0xff90, 0xff93, 0xffd9];
// Comments, tables of lengths (TLM, PLM), where components lie on paper (CRG).
const HEAD_LEFT_OUT: ReadonlySet<number> = new Set([0xff64, 0xff55, 0xff57, 0xff63]);
// CAP, PRF, SIZ, COD, COC, QCD, QCC, RGN, POC, PPM.
const HEAD_KEPT: ReadonlySet<number> = new Set([
  0xff50, 0xff56, 0xff51, 0xff52, 0xff53, 0xff5c, 0xff5d, 0xff5e, 0xff5f, 0xff60,
]);
// COD, COC, QCD, QCC, RGN, POC, PPT, PLT.
const TILE_KEPT: ReadonlySet<number> = new Set([
  0xff52, 0xff53, 0xff5c, 0xff5d, 0xff5e, 0xff5f, 0xff61, 0xff58,
]);
const ENUMERATED = 1;
const ENUMERATED_BYTES = 7;
// By the number of components: grey, sRGB, CMYK.
const PLAIN_COLOURS: ReadonlyMap<number, number> = new Map([
  [1, 0x11],
  [3, 0x10],
  [4, 0x0c],
]);

/** Clean JBIG2 as PDF embeds it: segments without a file's head. */
export function cleanJbig2(untrusted: Bytes): Bytes {
  const kept: Bytes[] = [];
  let position = 0;
  for (let i = 0; i < MAX_SEGMENTS; i++) {
    if (position === untrusted.length) return join(...kept);
    const { kind, start, end } = measureSegment(untrusted, position);
    const length = Math.min(end - start, JBIG2_BYTES.get(kind) ?? end - start);
    if (JBIG2_KEPT.has(kind)) {
      const head = untrusted.subarray(position, start - 4);
      const content = untrusted.subarray(start, start + length);
      kept.push(join(head, encodeBigEndian(length, 4), content));
    }
    position = end;
  }
  throw new CleaningRefusal("too-complex");
}

/** What a segment is, where its data begins, and where it ends. */
function measureSegment(
  data: Bytes,
  start: number,
): { readonly kind: number; readonly start: number; readonly end: number } {
  const number = bigEndian(data, start, 4);
  const flags = byteAt(data, start + 4);
  let referred = byteAt(data, start + 5) >> 5;
  let position = start + 6;
  if (referred === MANY_REFERRED) {
    // Not by shifts: they end at 31 bits.
    referred = bigEndian(data, start + 5, 4) % 0x20000000;
    position = start + 9 + Math.floor((referred + 8) / 8);
  }
  position += referred * (number <= 256 ? 1 : number <= 65_536 ? 2 : 4);
  position += (flags & 0x40) !== 0 ? 4 : 1;
  const length = bigEndian(data, position, 4);
  const end = position + 4 + length;
  if (length === UNKNOWN_LENGTH) throw new CleaningRefusal("unsupported");
  if (end > data.length) throw new CleaningRefusal("truncated");
  return { kind: flags & 0x3f, start: position + 4, end };
}

/** Clean JPEG 2000: a JP2 file, or a codestream alone. */
export function cleanJpeg2000(untrusted: Bytes): Bytes {
  if (startsWith(untrusted, CODESTREAM)) return cleanCodestream(untrusted);
  if (!startsWith(untrusted, JP2_SIGNATURE)) throw new CleaningRefusal("malformed");
  const kept = [latin1(JP2_SIGNATURE)];
  for (const { name, content } of listBoxes(untrusted)) {
    if (name === "jp2h") kept.push(makeBox(name, cleanHead(content)));
    else if (name === "jp2c") kept.push(makeBox(name, cleanCodestream(content)));
    else if (name === "ftyp") kept.push(makeBox(name, join("jp2 \0\0\0\0jp2 ")));
  }
  return join(...kept);
}

interface Box {
  readonly name: string;
  readonly content: Bytes;
}

function* listBoxes(data: Bytes): Generator<Box, void, void> {
  let position = 0;
  for (let i = 0; i < MAX_SEGMENTS; i++) {
    if (position === data.length) return;
    let length = bigEndian(data, position, 4);
    let start = position + 8;
    if (length === 1) {
      length = bigEndian(data, start, 8);
      start += 8;
    } else if (length === 0) {
      length = data.length - position;
    }
    const end = position + length;
    if (end < start || end > data.length) throw new CleaningRefusal("truncated");
    const name = textOf(data.subarray(position + 4, position + 8));
    yield { name, content: data.subarray(start, end) };
    position = end;
  }
  throw new CleaningRefusal("too-complex");
}

function makeBox(name: string, content: Bytes): Bytes {
  return join(encodeBigEndian(8 + content.length, 4), name, content);
}

/** Keep what a decoder needs; in the place of a profile say grey, sRGB or CMYK. */
function cleanHead(content: Bytes): Bytes {
  const kept: Bytes[] = [];
  let components = -1;
  for (const { name, content: body } of listBoxes(content)) {
    if (name === "ihdr") components = body.length < 10 ? -1 : bigEndian(body, 8, 2);
    let written = body;
    const isPlain = body[0] === ENUMERATED && body.length === ENUMERATED_BYTES;
    if (name === "colr" && !isPlain) {
      const colours = PLAIN_COLOURS.get(components);
      if (colours === undefined) throw new CleaningRefusal("unsupported");
      written = join(ENUMERATED, 0, 0, 0, 0, 0, colours);
    }
    if (!JP2_HEAD_KEPT.has(name)) continue;
    kept.push(makeBox(name, written.subarray(0, measureBox(name, written, components))));
  }
  return join(...kept);
}

/** What a box has by its format. */
function measureBox(name: string, body: Bytes, components: number): number {
  const count = bigEndian(body, 0, 2);
  if (name === "ihdr") return 14;
  if (name === "bpcc") return Math.max(0, components);
  if (name === "cdef") return 2 + 6 * count;
  if (name !== "pclr") return body.length;
  const columns = body[2] ?? 0;
  const depths = [...body.subarray(3, 3 + columns)];
  const size = depths.reduce((sum, depth) => sum + ((depth & 127) >> 3) + 1, 0);
  return 3 + columns + count * size;
}

function cleanCodestream(data: Bytes): Bytes {
  if (!startsWith(data, CODESTREAM)) throw new CleaningRefusal("malformed");
  const kept = [data.subarray(0, 2)];
  let position = 2;
  for (let marker = markerAt(data, 2); marker !== SOT; marker = markerAt(data, position)) {
    const end = measureMarker(data, position);
    if (HEAD_KEPT.has(marker)) kept.push(data.subarray(position, end));
    else if (!HEAD_LEFT_OUT.has(marker)) throw new CleaningRefusal("unsupported");
    position = end;
  }
  return join(...kept, data.subarray(position, checkTiles(data, position)));
}

/** The two bytes of a marker; -1 if there are less. */
function markerAt(data: Bytes, position: number): number {
  return position + 2 > data.length ? -1 : bigEndian(data, position, 2);
}

function measureMarker(data: Bytes, position: number): number {
  const length = bigEndian(data, position + 2, 2);
  const end = position + 2 + length;
  if (data[position] !== 0xff || length < 2 || end > data.length) {
    throw new CleaningRefusal("malformed");
  }
  return end;
}

/** Walk the parts of tiles; return where the last ends, with the end's marker. */
function checkTiles(data: Bytes, start: number): number {
  let position = start;
  for (let i = 0; i < MAX_SEGMENTS; i++) {
    const marker = markerAt(data, position);
    if (marker === EOC) return position + 2;
    if (marker !== SOT) break;
    const length = bigEndian(data, position + 6, 4);
    const end = length === 0 ? data.length : position + length;
    checkTile(data, measureMarker(data, position), end);
    if (length === 0 || end === data.length) return end;
    position = end;
  }
  throw new CleaningRefusal("malformed");
}

function checkTile(data: Bytes, start: number, end: number): void {
  let head = start;
  for (let marker = markerAt(data, head); marker !== SOD; marker = markerAt(data, head)) {
    head = measureMarker(data, head);
    if (!TILE_KEPT.has(marker)) throw new CleaningRefusal("unsupported");
  }
  if (head + 2 > end || end > data.length) throw new CleaningRefusal("truncated");
}

function byteAt(data: Bytes, position: number): number {
  const byte = data[position];
  if (byte === undefined) throw new CleaningRefusal("truncated");
  return byte;
}
