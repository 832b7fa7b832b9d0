// Numbers and names in bytes. What lies beyond the end is as if it were not there: a slice of
// nothing is empty, and the number in it is 0. Whoever needs it whole reads it from a `Source`.

/** Bytes of their own or of a window; never of memory that others share. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

/** The number in up to `lengthBytes` bytes, the first of which weighs most. */
export function bigEndian(data: Uint8Array, offset: number, lengthBytes: number): number {
  const end = Math.min(offset + lengthBytes, data.length);
  let number = 0;
  // Not by shifts: they end at 31 bits. Beyond 53 it is inexact, and far beyond any file.
  for (let i = offset; i < end; i++) number = number * 256 + (data[i] as number);
  return number;
}

/** The number in up to `lengthBytes` bytes, the last of which weighs most. */
export function littleEndian(data: Uint8Array, offset: number, lengthBytes: number): number {
  const end = Math.min(offset + lengthBytes, data.length);
  let number = 0;
  for (let i = end - 1; i >= offset; i--) number = number * 256 + (data[i] as number);
  return number;
}

/** A number in exactly `lengthBytes` bytes, the first of which weighs most. */
export function encodeBigEndian(number: number, lengthBytes: number): Bytes {
  return encodeLittleEndian(number, lengthBytes).reverse();
}

/** A number in exactly `lengthBytes` bytes, the last of which weighs most. */
export function encodeLittleEndian(number: number, lengthBytes: number): Bytes {
  const bytes = new Uint8Array(lengthBytes);
  let left = number;
  for (let i = 0; i < lengthBytes; i++) {
    bytes[i] = left % 256;
    left = Math.floor(left / 256);
  }
  if (left !== 0) throw new Error("a number too large for its field");
  return bytes;
}

/** The bytes of a text, one for each character up to U+00FF. */
export function latin1(text: string): Bytes {
  // Most texts have no other letters than these; the browser's own way takes a tenth of the time.
  const ascii = ENCODER.encode(text);
  if (ascii.length === text.length) return ascii;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A few bytes as a text, one character for each: names of chunks, marks. */
export function textOf(data: Uint8Array): string {
  return String.fromCharCode(...data);
}

/** Whether `data` has exactly the bytes of `other`. */
export function isSame(data: Uint8Array, other: Uint8Array): boolean {
  return data.length === other.length && startsWith(data, other);
}

/** Whether `data` begins with these bytes, or the bytes of this text. */
export function startsWith(data: Uint8Array, head: Uint8Array | string): boolean {
  if (data.length < head.length) return false;
  for (let i = 0; i < head.length; i++) {
    if (data[i] !== (typeof head === "string" ? head.charCodeAt(i) : head[i])) return false;
  }
  return true;
}

/** What is joined; a number is a byte. */
export type Piece = Uint8Array | string | number;

/** All of it in a row, in memory of its own. Numbers are bytes. */
export function join(...parts: readonly Piece[]): Bytes {
  return joinAll(parts);
}

/** As `join`, of as many as a file has: engines take about 100,000 arguments. */
export function joinAll(parts: readonly Piece[]): Bytes {
  const pieces = parts.map((part) =>
    typeof part === "string" ? latin1(part) : typeof part === "number" ? [part] : part,
  );
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}
