// A track of a film or a voice note: pictures or sound, and what is needed to show them.
//
// A track is read into its few numbers and written anew from them. Times are 0, languages `und`,
// names of programs empty. Of the matrix one of eight orientations stays, of the edits those that
// are played at their own speed.

import {
  type Box,
  type Boxes,
  Cursor,
  encodeNumbers,
  formatBox,
  isZero,
  listBoxes,
  listNamed,
  need,
} from "./boxes.js";
import { type Bytes, encodeBigEndian, join, textOf } from "./bytes.js";
import { type Description, readDescriptions } from "./descriptions.js";
import { CleaningRefusal } from "./errors.js";
import type { Kind } from "./plan.js";
import { Table } from "./tables.js";

const MAX_EDITS = 1_000;
const LONGEST_HIDDEN_SECONDS = 2; // a coder's delay, or pictures before the first that is shown

export const VISUAL = "vide";
export const SOUND = "soun";
export const ONE = 0x10000;
const UNDETERMINED = 0x55c4; // the language `und`
const NORMAL_RATE = 0x00010000;
const SHOWN = 7; // enabled, in the film, in its preview
const MAX_SHORT = 2 ** 32 - 1;
const OWN_FILE = 1;
const LAST = 0x40000000;
const MATRIX_BYTES = 36;

/** Four numbers of the matrix: of each row one is 1 or -1 and the other 0. */
export type Turn = readonly [number, number, number, number];
const UPRIGHT: Turn = [ONE, 0, 0, ONE];

/** A part of the media that is shown; with the start -1 nothing is. */
interface Edit {
  readonly duration: number;
  readonly start: number;
}

/** How a track is shown. */
interface Head {
  readonly flags: number;
  readonly duration: number;
  /** And the group of tracks that stand for each other. */
  readonly layer: Uint8Array;
  readonly volume: number;
  readonly turn: Turn;
  readonly width: number;
  readonly height: number;
}

/** A track that is kept. */
export interface Track {
  readonly handler: string;
  readonly head: Head;
  readonly edits: readonly Edit[];
  /** The media's units in a second. */
  readonly timescale: number;
  readonly mediaDuration: number;
  readonly descriptions: readonly Description[];
  readonly table: Table;
}

/** What the tracks of a film are read with. */
export interface Film {
  readonly data: Uint8Array;
  /** The film's units in a second. */
  readonly timescale: number;
  readonly isQuicktime: boolean;
  readonly found: Set<Kind>;
}

/** What a track is, and the codec of its first description ("" if it has none). */
export function readHandler(data: Uint8Array, box: Box): readonly [string, Uint8Array] {
  const media = need(listNamed(data, box.start, box.end), "mdia");
  const inside = listNamed(data, media.start, media.end);
  const handler = need(inside, "hdlr");
  const information = need(inside, "minf");
  const table = need(listNamed(data, information.start, information.end), "stbl");
  const descriptions = listNamed(data, table.start, table.end).get("stsd");
  const start = descriptions === undefined ? 0 : descriptions.start + 12;
  const codec = data.subarray(start, descriptions === undefined ? 0 : start + 4);
  return [textOf(new Cursor(data, handler.start, handler.end).take(12).subarray(8)), codec];
}

/**
 * Read a track of pictures or sound; undefined if it has no samples.
 *
 * `tablesInstead` are those of a film in fragments.
 */
export function readTrack(box: Box, film: Film, tablesInstead?: Bytes): Track | undefined {
  const { data, found } = film;
  const boxes = listNamed(data, box.start, box.end);
  const media = need(boxes, "mdia");
  const inside = listNamed(data, media.start, media.end);
  const name = need(inside, "hdlr");
  const handler = textOf(new Cursor(data, name.start, name.end).take(12).subarray(8));
  const isNamed = !isZero(data.subarray(Math.min(name.start + 24, name.end), name.end));
  if (isNamed || !isZero(data.subarray(name.start + 12, name.start + 16))) found.add("software");
  const information = need(inside, "minf");
  const below = listNamed(data, information.start, information.end);
  checkOwnFile(data, below);
  const stbl = need(below, "stbl");
  const tables = listNamed(data, stbl.start, stbl.end);
  if (["senc", "saiz", "saio"].some((encrypted) => tables.has(encrypted))) {
    throw new CleaningRefusal("unsupported");
  }
  const descriptions = readDescriptions(need(tables, "stsd"), { ...film, handler });
  let table = new Table(data, tables, descriptions.length);
  let head = readHead(data, need(boxes, "tkhd"), found);
  const [timescale, toldDuration] = readMediaHead(data, need(inside, "mdhd"), found);
  let mediaDuration = toldDuration;
  let edits = readEdits(data, boxes);
  if (tablesInstead !== undefined) {
    if (table.count > 0) throw new CleaningRefusal("unsupported");
    const named = listNamed(tablesInstead, 0, tablesInstead.length);
    table = new Table(tablesInstead, named, descriptions.length);
    mediaDuration = Number(table.measureTime());
    const measure = (units: number): number => convert(units, film.timescale, timescale);
    head = { ...head, duration: measure(mediaDuration) };
    edits = edits.map(({ duration, start }) => {
      const shown = measure(Math.max(mediaDuration - start, 0));
      return { start, duration: duration > 0 || start < 0 ? duration : shown };
    });
  }
  if (table.count === 0) return undefined;
  checkShown(edits, film.timescale, timescale, mediaDuration);
  return { handler, head, edits, timescale, mediaDuration, descriptions, table };
}

/** How a track is written. */
export interface TrackPlace {
  /** Where each chunk is now. */
  readonly offsets: Float64Array;
  /** Of the track, from 1. */
  readonly number: number;
  readonly isWide: boolean;
  readonly isQuicktime: boolean;
}

/** Write a track. */
export function formatTrack(track: Track, place: TrackPlace): Bytes {
  const { head, handler } = track;
  const isVisual = handler === VISUAL;
  const [version, width] = chooseVersion(head.duration);
  const tkhd = formatBox(
    "tkhd",
    Uint8Array.of(version, 0, 0, head.flags),
    ...[new Uint8Array(2 * width), encodeNumbers(4, place.number, 0)],
    ...[encodeBigEndian(head.duration, width), new Uint8Array(8), head.layer],
    ...[encodeNumbers(2, head.volume, 0), formatMatrix(head.turn, head.width, head.height)],
    encodeNumbers(4, head.width, head.height),
  );
  const [mediaVersion, mediaWidth] = chooseVersion(track.mediaDuration);
  const mdhd = formatBox(
    "mdhd",
    Uint8Array.of(mediaVersion, 0, 0, 0),
    ...[new Uint8Array(2 * mediaWidth), encodeBigEndian(track.timescale, 4)],
    ...[encodeBigEndian(track.mediaDuration, mediaWidth), encodeNumbers(2, UNDETERMINED, 0)],
  );
  const entries = track.descriptions.map(({ entry }) => entry);
  const stsd = formatBox("stsd", encodeNumbers(4, 0, entries.length), ...entries);
  const minf = formatBox(
    "minf",
    isVisual
      ? formatBox("vmhd", "\0\0\0\u0001", new Uint8Array(8))
      : formatBox("smhd", new Uint8Array(8)),
    formatBox("dinf", formatBox("dref", encodeNumbers(4, 0, 1), formatBox("url ", "\0\0\0\u0001"))),
    formatBox("stbl", stsd, ...track.table.format(place.offsets, place.isWide)),
  );
  const component = place.isQuicktime ? "mhlr" : "\0\0\0\0";
  const hdlr = formatBox("hdlr", "\0\0\0\0", component, handler, new Uint8Array(13));
  return formatBox("trak", tkhd, formatEdits(track.edits), formatBox("mdia", mdhd, hdlr, minf));
}

/** How a picture is turned by nine numbers; upright if in a way that no camera turns. */
export function readTurn(matrix: Uint8Array): Turn {
  const view = new DataView(matrix.buffer, matrix.byteOffset, MATRIX_BYTES);
  const [a, b, c, d] = [0, 4, 12, 16].map((at) => view.getInt32(at)) as unknown as Turn;
  const isTurn = Math.abs(a) === ONE ? b === 0 && c === 0 : a === 0 && d === 0;
  const others = a === 0 ? [b, c] : [a, d];
  return isTurn && others.every((one) => Math.abs(one) === ONE) ? [a, b, c, d] : UPRIGHT;
}

/** Write the matrix that turns a picture and leaves it at its place. */
export function formatMatrix([a, b, c, d]: Turn, width: number, height: number): Bytes {
  const left = -(Math.min(a, 0) * width + Math.min(c, 0) * height) / ONE;
  const top = -(Math.min(b, 0) * width + Math.min(d, 0) * height) / ONE;
  const matrix = new Uint8Array(MATRIX_BYTES);
  const view = new DataView(matrix.buffer);
  [a, b, 0, c, d, 0, left, top, LAST].forEach((number, at) => {
    view.setInt32(4 * at, number);
  });
  return matrix;
}

/** A time in other units, cut to a whole one. */
function convert(time: number, units: number, from: number): number {
  const converted = Number((BigInt(time) * BigInt(units)) / BigInt(from));
  if (Math.max(time, converted) > Number.MAX_SAFE_INTEGER) throw new CleaningRefusal("malformed");
  return converted;
}

function chooseVersion(duration: number): readonly [number, number] {
  return duration > MAX_SHORT ? [1, 8] : [0, 4];
}

/** Read the version of a box and its times, which go; return how wide its numbers are. */
export function readTimes(cursor: Cursor, found: Set<Kind>): readonly [number, number] {
  const head = cursor.number(4);
  const width = Math.floor(head / 2 ** 24) === 1 ? 8 : 4;
  if (!isZero(cursor.take(2 * width))) found.add("time");
  return [head, width];
}

function readHead(data: Uint8Array, box: Box, found: Set<Kind>): Head {
  const cursor = new Cursor(data, box.start, box.end);
  const [head, width] = readTimes(cursor, found);
  cursor.take(8);
  const duration = cursor.number(width);
  cursor.take(8);
  const layer = cursor.take(4);
  const volume = cursor.number(2);
  cursor.take(2);
  const turn = readTurn(cursor.take(MATRIX_BYTES));
  const picture = { width: cursor.number(4), height: cursor.number(4) };
  return { flags: head & SHOWN, duration, layer, volume, turn, ...picture };
}

function readMediaHead(data: Uint8Array, box: Box, found: Set<Kind>): readonly [number, number] {
  const cursor = new Cursor(data, box.start, box.end);
  const [, width] = readTimes(cursor, found);
  const units = cursor.number(4);
  const duration = cursor.number(width);
  if (units === 0) throw new CleaningRefusal("malformed");
  return [units, duration];
}

/** Hold that the samples are in this file, and not where a name says. */
function checkOwnFile(data: Uint8Array, boxes: Boxes): void {
  const dinf = boxes.get("dinf");
  const dref = dinf && listNamed(data, dinf.start, dinf.end).get("dref");
  if (dref === undefined) return;
  for (const box of listBoxes(data, dref.start + 8, dref.end)) {
    const flags = new Cursor(data, box.start, box.end).number(4);
    if (!(flags & OWN_FILE)) throw new CleaningRefusal("unsupported");
  }
}

function readEdits(data: Uint8Array, boxes: Boxes): readonly Edit[] {
  const edts = boxes.get("edts");
  const elst = edts && listNamed(data, edts.start, edts.end).get("elst");
  if (elst === undefined) return [];
  const cursor = new Cursor(data, elst.start, elst.end);
  const width = Math.floor(cursor.number(4) / 2 ** 24) === 1 ? 8 : 4;
  const count = cursor.number(4);
  if (count > MAX_EDITS) throw new CleaningRefusal("too-complex");
  const edits: Edit[] = [];
  for (let number = 0; number < count; number++) {
    const duration = cursor.number(width);
    const start = cursor.take(width);
    const isNothing = start.every((byte) => byte === 0xff);
    const isNegative = (start[0] as number) >= 0x80;
    if (cursor.number(4) !== NORMAL_RATE || (isNegative && !isNothing)) {
      throw new CleaningRefusal("unsupported");
    }
    edits.push({ duration, start: isNothing ? -1 : new Cursor(start).number(width) });
  }
  return edits;
}

/** Hold that all of the media is shown: what a list cuts out is still in the file. */
function checkShown(
  edits: readonly Edit[],
  timescale: number,
  units: number,
  mediaDuration: number,
): void {
  const shown = edits
    .filter(({ start }) => start >= 0)
    .map(({ start, duration }) => {
      const length = (BigInt(duration) * BigInt(units)) / BigInt(timescale);
      return { start: BigInt(start), end: BigInt(start) + length };
    });
  const [first] = shown;
  if (first === undefined || (shown.length === 1 && first.start === first.end)) return;
  const sum = shown.reduce((length, { start, end }) => length + end - start, 0n);
  const hidden = BigInt(mediaDuration) - sum;
  const overlaps = shown.some(({ end }, at) => {
    const following = shown[at + 1];
    return following !== undefined && end > following.start + 1n;
  });
  if (hidden > BigInt(LONGEST_HIDDEN_SECONDS * units) || overlaps) {
    throw new CleaningRefusal("unsupported");
  }
}

function formatEdits(edits: readonly Edit[]): Bytes {
  if (edits.length === 0) return new Uint8Array(0);
  const isLong = edits.some(({ duration, start }) => Math.max(duration, start) >= 2 ** 31);
  const width = isLong ? 8 : 4;
  const entries = edits.map(({ duration, start }) =>
    join(
      encodeBigEndian(duration, width),
      start < 0 ? new Uint8Array(width).fill(0xff) : encodeBigEndian(start, width),
      encodeBigEndian(NORMAL_RATE, 4),
    ),
  );
  const head = join(isLong ? 1 : 0, "\0\0\0", encodeBigEndian(edits.length, 4));
  return formatBox("edts", formatBox("elst", head, ...entries));
}
