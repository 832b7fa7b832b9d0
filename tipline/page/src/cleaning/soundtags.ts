// Tags around sound, as MP3 and FLAC have them: ID3 in front, ID3, APE and Lyrics3 behind.
//
// tipline/cleaning/soundtags.py keeps the same rules in Python.

import { bigEndian, littleEndian, startsWith, textOf } from "./bytes.js";
import { findNameKinds } from "./comments.js";
import { CleaningRefusal } from "./errors.js";
import type { Kind } from "./plan.js";
import { ID3_KINDS } from "./rules.js";
import type { Source } from "./source.js";

export const ID3 = "ID3";

const MAX_TAGS = 16; // on each side; a program leaves one, or two of different kinds
const MAX_FRAMES = 1_000; // of one tag; an album's track has about twenty
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of one tag; what lies further behind is pictures
const ID3_HEAD_BYTES = 10;
const ID3_END = "3DI";
const HAS_FOOTER = 0x10;
const HAS_EXTENSION = 0x40;
const OLD_BYTES = 128;
const LONGER_BYTES = 227; // of the longer one that may stand before the old one
const APE = "APETAGEX";
const APE_FOOTER_BYTES = 32;
const APE_HAS_HEADER = 0x80;
const APE_ITEM_BYTES = 8;
const MAX_APE_NAME_BYTES = 256;
const LYRICS = "LYRICSBEGIN";
const LYRICS_END = "LYRICS200";
const OLD_LYRICS_END = "LYRICSEND";
const LYRICS_END_BYTES = 9;
const LYRICS_SIZE_BYTES = 6;
const OLD_LYRICS_BYTES = 5100 + 20; // at most, with both marks

/** What stands around sound: where it begins, what is behind it, and the kinds of the tags. */
export interface Tags {
  readonly start: number;
  readonly end: number;
  readonly kinds: readonly Kind[];
}

/** Find the tags around sound; a refusal if one is longer than the file, or there are too many. */
export async function findTags(source: Source): Promise<Tags> {
  const found = new Set<Kind>();
  let start = 0;
  for (let count = 0; ; count++) {
    const length = measureId3(await source.readUpTo(start, ID3_HEAD_BYTES));
    if (length === 0) break;
    source.check(start, length);
    const tag = await source.read(start, Math.min(length, MAX_LOOKED_AT_BYTES));
    for (const kind of findId3Kinds(tag)) found.add(kind);
    start += length;
    if (count === MAX_TAGS - 1) throw new CleaningRefusal("too-complex");
  }
  let end = source.lengthBytes;
  for (let count = 0; count < MAX_TAGS; count++) {
    const length = await measureLast(source, start, end);
    if (length === 0) return { start, end, kinds: [...found] };
    end -= length;
    const tag = await source.read(end, Math.min(length, MAX_LOOKED_AT_BYTES));
    for (const kind of findLastKinds(tag)) found.add(kind);
  }
  throw new CleaningRefusal("too-complex");
}

/** Whether a part of a file ends as a tag does; a refusal if a mark is there and lies. */
export async function hasTagBehind(source: Source, start: number, end: number): Promise<boolean> {
  return (await measureLast(source, start, end)) > 0;
}

/** The length of an ID3 of its second version; 0 if none begins here. */
export function measureId3(head: Uint8Array): number {
  if (head.length < ID3_HEAD_BYTES || !startsWith(head, ID3)) return 0;
  const size = head.subarray(6, 10);
  if (size.some((byte) => byte > 0x7f)) return 0;
  const footer = (head[5] as number) & HAS_FOOTER ? ID3_HEAD_BYTES : 0;
  return ID3_HEAD_BYTES + decodeSafe(size) + footer;
}

/** The kinds in an ID3 of its second version, from its mark on; it may be cut. */
export function findId3Kinds(untrusted: Uint8Array): readonly Kind[] {
  const version = untrusted[3] as number;
  const [nameBytes, headBytes] = version === 2 ? [3, 6] : [4, 10];
  let offset = ID3_HEAD_BYTES;
  if (version > 2 && (untrusted[5] as number) & HAS_EXTENSION) {
    const size = untrusted.subarray(offset, offset + 4);
    offset += version === 4 ? decodeSafe(size) : 4 + bigEndian(size, 0, 4);
  }
  const found = new Set<Kind>();
  for (let count = 0; count < MAX_FRAMES; count++) {
    const name = textOf(untrusted.subarray(offset, offset + nameBytes));
    if (!/^[0-9A-Za-z]+$/.test(name) || untrusted.length < offset + headBytes) break;
    const kinds = ID3_KINDS.get(name) ?? [name.startsWith("T") ? "text" : "other"];
    for (const kind of kinds) found.add(kind);
    const size = untrusted.subarray(offset + nameBytes, offset + 2 * nameBytes);
    offset += headBytes + (version === 4 ? decodeSafe(size) : bigEndian(size, 0, nameBytes));
  }
  return found.size > 0 ? [...found] : ["other"];
}

/** A length of which each byte has seven bits. */
function decodeSafe(data: Uint8Array): number {
  let number = 0;
  for (const byte of data) number = number * 128 + (byte & 0x7f);
  return number;
}

/** The length of the tag that ends where the file does; 0 if none does. */
async function measureLast(source: Source, start: number, end: number): Promise<number> {
  for (const measure of [measureOld, measureApe, measureLyrics, measureId3Behind]) {
    const length = await measure(source, start, end);
    if (length > 0) return length;
  }
  return 0;
}

async function measureOld(source: Source, start: number, end: number): Promise<number> {
  for (const [length, mark] of [
    [OLD_BYTES, "TAG"],
    [LONGER_BYTES, "TAG+"],
  ] as const) {
    if (end - length < start) continue;
    if (startsWith(await source.read(end - length, mark.length), mark)) return length;
  }
  return 0;
}

async function measureApe(source: Source, start: number, end: number): Promise<number> {
  if (end - start < APE_FOOTER_BYTES) return 0;
  const footer = await source.read(end - APE_FOOTER_BYTES, APE_FOOTER_BYTES);
  if (!startsWith(footer, APE)) return 0;
  const header = (footer[23] as number) & APE_HAS_HEADER ? APE_FOOTER_BYTES : 0;
  const length = littleEndian(footer, 12, 4) + header;
  if (length < APE_FOOTER_BYTES || length > end - start) throw new CleaningRefusal("malformed");
  return length;
}

async function measureLyrics(source: Source, start: number, end: number): Promise<number> {
  if (end - start < LYRICS.length + LYRICS_END_BYTES) return 0;
  const mark = textOf(await source.read(end - LYRICS_END_BYTES, LYRICS_END_BYTES));
  if (mark === LYRICS_END) {
    const sizeAt = end - LYRICS_END_BYTES - LYRICS_SIZE_BYTES;
    const size = textOf(await source.read(sizeAt, LYRICS_SIZE_BYTES));
    if (!/^[0-9]+$/.test(size)) throw new CleaningRefusal("malformed");
    const length = parseInt(size, 10) + LYRICS_SIZE_BYTES + LYRICS_END_BYTES;
    if (length > end - start) throw new CleaningRefusal("malformed");
    const begin = await source.readUpTo(end - length, LYRICS.length);
    if (!startsWith(begin, LYRICS)) throw new CleaningRefusal("malformed");
    return length;
  }
  if (mark !== OLD_LYRICS_END) return 0;
  const length = Math.min(end - start, OLD_LYRICS_BYTES);
  const begin = textOf(await source.read(end - length, length)).indexOf(LYRICS);
  if (begin < 0) throw new CleaningRefusal("malformed");
  return length - begin;
}

async function measureId3Behind(source: Source, start: number, end: number): Promise<number> {
  if (end - start < 2 * ID3_HEAD_BYTES) return 0;
  const footer = await source.read(end - ID3_HEAD_BYTES, ID3_HEAD_BYTES);
  const size = footer.slice(6);
  if (!startsWith(footer, ID3_END) || size.some((byte) => byte > 0x7f)) return 0;
  const length = decodeSafe(size) + 2 * ID3_HEAD_BYTES;
  if (length > end - start) throw new CleaningRefusal("malformed");
  const begin = await source.read(end - length, ID3.length);
  if (!startsWith(begin, ID3)) throw new CleaningRefusal("malformed");
  return length;
}

function findLastKinds(untrusted: Uint8Array): readonly Kind[] {
  if (startsWith(untrusted, ID3)) return findId3Kinds(untrusted);
  if (startsWith(untrusted, "TAG")) return findOldKinds(untrusted);
  if (startsWith(untrusted, LYRICS)) return ["text"];
  return findApeKinds(untrusted);
}

function findOldKinds(untrusted: Uint8Array): readonly Kind[] {
  if (untrusted.length !== OLD_BYTES) return ["text"];
  const says = (start: number, end: number) =>
    untrusted.subarray(start, end).some((byte) => byte !== 0 && byte !== 0x20);
  const found: Kind[] = [];
  if (says(3, 33) || says(63, 93) || says(97, 127)) found.push("text");
  if (says(33, 63)) found.push("person");
  if (says(93, 97)) found.push("time");
  return found.length > 0 ? found : ["other"];
}

function findApeKinds(untrusted: Uint8Array): readonly Kind[] {
  const found = new Set<Kind>();
  let offset = startsWith(untrusted, APE) ? APE_FOOTER_BYTES : 0;
  for (let count = 0; count < MAX_FRAMES; count++) {
    const start = offset + APE_ITEM_BYTES;
    const length = untrusted.subarray(start, start + MAX_APE_NAME_BYTES).indexOf(0);
    if (length < 0 || startsWith(untrusted.subarray(offset), APE)) break;
    const name = textOf(untrusted.subarray(start, start + length));
    for (const kind of findNameKinds(name)) found.add(kind);
    offset = start + length + 1 + littleEndian(untrusted, offset, 4);
  }
  return found.size > 0 ? [...found] : ["other"];
}
