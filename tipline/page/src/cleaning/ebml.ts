// EBML (RFC 8794): elements, each of a number, a length and a content.
//
// What WebM and Matroska are read and written with. Nothing is believed of a length that does not
// fit into what the element lies in. Numbers and lengths that are written have as few bytes as they
// need.

import { bigEndian, type Bytes, encodeBigEndian, join } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Source } from "./source.js";

export const SIGNATURE = "\x1a\x45\xdf\xa3";
export const EBML = 0x1a45dfa3;
export const VOID = 0xec;
export const CRC_32 = 0xbf;
export const MAX_HEAD_BYTES = 12; // four of the number, eight of the length
export const MAX_VALUE_BYTES = 8; // of a number

const MAX_ELEMENTS = 8_000_000; // of a file: 18 hours of pictures and sound
const MAX_CONTENT_BYTES = 1024 * 1024; // that is read at once; tracks of Vorbis have 8 KiB
const MAX_CHILDREN = 4_096;
const MAX_ID_BYTES = 4;

/** What stands before an element's content. */
export interface Head {
  readonly number: number;
  /** Of the content; undefined if it does not say. */
  readonly size: number | undefined;
  readonly lengthBytes: number;
}

/** An element in a file. */
export interface Element {
  readonly number: number;
  /** Where its head begins. */
  readonly at: number;
  /** Where its content begins. */
  readonly start: number;
  /** Where its content ends; undefined if it does not say. */
  readonly last: number | undefined;
}

/** The elements that an element in memory holds, by their numbers. */
export type Elements = ReadonlyMap<number, Uint8Array>;

/** Where an element ends; one that must say it and does not is refused. */
export function endOf({ last }: Element): number {
  if (last === undefined) throw new CleaningRefusal("malformed");
  return last;
}

/** Reads the elements of a file, and counts them. */
export class ElementReader {
  #count = 0;

  constructor(readonly source: Source) {}

  /** The element whose head begins at a place, in what ends at `end`. */
  async read(at: number, end: number): Promise<Element> {
    this.#count++;
    if (this.#count > MAX_ELEMENTS) throw new CleaningRefusal("too-complex");
    const length = Math.min(MAX_HEAD_BYTES, end - at);
    const head = decodeHead(this.source.peek(at, length) ?? (await this.source.read(at, length)));
    if (head === undefined || at + head.lengthBytes + (head.size ?? 0) > end) {
      throw new CleaningRefusal(end === this.source.lengthBytes ? "truncated" : "malformed");
    }
    const start = at + head.lengthBytes;
    const last = head.size === undefined ? undefined : start + head.size;
    return { number: head.number, at, start, last };
  }

  /** What an element holds. */
  async readContent(element: Element): Promise<Bytes> {
    const length = endOf(element) - element.start;
    if (length > MAX_CONTENT_BYTES) throw new CleaningRefusal("too-complex");
    return this.source.read(element.start, length);
  }
}

/** The head of an element; undefined if it is not whole. */
export function decodeHead(untrusted: Uint8Array): Head | undefined {
  if (untrusted.length === 0) return undefined;
  const idBytes = measureByFirst(untrusted[0] as number);
  if (idBytes > MAX_ID_BYTES) throw new CleaningRefusal("malformed");
  const length = decodeLength(untrusted.subarray(idBytes));
  if (length === undefined) return undefined;
  const number = bigEndian(untrusted, 0, idBytes);
  const size = length.isFull ? undefined : length.value;
  return { number, size, lengthBytes: idBytes + length.lengthBytes };
}

/** A number that says its own length. */
export interface Length {
  /** Beyond 53 bits inexact, and far beyond any file. */
  readonly value: number;
  readonly lengthBytes: number;
  /** All its bits are 1. */
  readonly isFull: boolean;
}

/** Read a number that says its own length; undefined if it is not whole. */
export function decodeLength(untrusted: Uint8Array): Length | undefined {
  if (untrusted.length === 0) return undefined;
  const first = untrusted[0] as number;
  const lengthBytes = measureByFirst(first);
  if (lengthBytes > MAX_VALUE_BYTES) throw new CleaningRefusal("malformed");
  if (untrusted.length < lengthBytes) return undefined;
  const mark = 1 << (8 - lengthBytes);
  const rest = untrusted.subarray(1, lengthBytes);
  const value = (first - mark) * 2 ** (8 * rest.length) + bigEndian(rest, 0, rest.length);
  const isFull = first === 2 * mark - 1 && rest.every((byte) => byte === 0xff);
  return { value, lengthBytes, isFull };
}

/** How many bytes a number has that begins so. */
function measureByFirst(first: number): number {
  return Math.clz32(first) - 23;
}

/** The elements that an element in memory holds, one behind the other. */
export function* listElements(data: Uint8Array): Generator<readonly [number, Uint8Array]> {
  let at = 0;
  for (let count = 0; at < data.length; count++) {
    if (count === MAX_CHILDREN) throw new CleaningRefusal("too-complex");
    const head = decodeHead(data.subarray(at, at + MAX_HEAD_BYTES));
    if (head?.size === undefined) throw new CleaningRefusal("malformed");
    const start = at + head.lengthBytes;
    at = start + head.size;
    if (at > data.length) throw new CleaningRefusal("malformed");
    yield [head.number, data.subarray(start, at)];
  }
}

/** The same by their numbers; of several with one number, the first. */
export function listNamed(data: Uint8Array): Elements {
  const named = new Map<number, Uint8Array>();
  for (const [number, content] of listElements(data)) {
    if (!named.has(number)) named.set(number, content);
  }
  return named;
}

/** A number without a sign, 0 of no bytes; none larger than is counted exactly. */
export function readNumber(content: Uint8Array | undefined): number {
  const number = content === undefined ? 0 : bigEndian(content, 0, content.length);
  if ((content?.length ?? 0) > MAX_VALUE_BYTES || number > Number.MAX_SAFE_INTEGER) {
    throw new CleaningRefusal("malformed");
  }
  return number;
}

/** Hold that a number with a fraction is one: of four or eight bytes, and finite. */
export function checkFloat(content: Uint8Array): Uint8Array {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const isLong = content.length === 8;
  if (!isLong && content.length !== 4) throw new CleaningRefusal("malformed");
  if (!Number.isFinite(isLong ? view.getFloat64(0) : view.getFloat32(0))) {
    throw new CleaningRefusal("malformed");
  }
  return content;
}

/** A text without the zeros that may fill its end. */
export function trimZeros(content: Uint8Array): Uint8Array {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return content.subarray(0, end);
}

/** Write the head of an element. */
export function formatHead(number: number, size: number): Bytes {
  let sizeBytes = 1;
  while (size >= 2 ** (7 * sizeBytes) - 1) sizeBytes++;
  return join(encodeShort(number), encodeBigEndian(size + 2 ** (7 * sizeBytes), sizeBytes));
}

/** Write an element. */
export function formatElement(
  number: number,
  ...contents: readonly (Uint8Array | string)[]
): Bytes {
  const size = contents.reduce((sum, content) => sum + content.length, 0);
  return join(formatHead(number, size), ...contents);
}

/** Write an element that is a number, not below 0. */
export function formatNumber(number: number, value: number): Bytes {
  return formatElement(number, encodeShort(value));
}

/** A number in as few bytes as it needs, at least one. */
function encodeShort(value: number): Bytes {
  let length = 1;
  while (value >= 256 ** length) length++;
  return encodeBigEndian(value, length);
}
