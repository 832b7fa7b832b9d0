// The payload: a tar in one frozen profile (reference/formats.md, "Payload").
// Owner, times and modes are constants, so that nothing of the device gets in.

import { Refusal } from "./refusal.js";

const BLOCK_BYTES = 512;
const READ_BYTES = 256 * 1024; // little enough that what was read does not pile up

/** What a file holds, in memory or on disk: a `Blob`, or what is read as one. */
export interface Content {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** One file in the tar: generated name and content. */
export interface Member {
  readonly name: string;
  readonly content: Content;
  /** Asked once the content was read; throws if it is not what it was to be. */
  readonly check?: () => Promise<void>;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0") + "\0";
}

function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The header of one member. */
export function encodeHeader(name: string, sizeBytes: number): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) header[offset + i] = text.charCodeAt(i);
  };
  put(0, name);
  put(100, octal(0o600, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(sizeBytes, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8)); // the checksum is taken with its own field blank
  put(156, "0");
  put(257, "ustar\x0000");
  put(329, octal(0, 7));
  put(337, octal(0, 7));
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  put(148, octal(checksum, 6) + " ");
  return header;
}

/** The tar's size with its end marker, before the zeros that lift it onto the ladder. */
export function tarBytes(members: readonly Member[]): number {
  let size = 2 * BLOCK_BYTES;
  for (const { content } of members) {
    size += BLOCK_BYTES + content.size + paddingBytes(content.size);
  }
  return size;
}

async function readPart(content: Content, start: number, end: number): Promise<Uint8Array> {
  const piece = await content
    .slice(start, end)
    .arrayBuffer()
    .catch(() => undefined);
  // A file that changed on the device meanwhile would shift everything after it.
  if (piece?.byteLength !== end - start) throw new Refusal("file");
  return new Uint8Array(piece);
}

/** The payload, piece by piece, so that a gigabyte never stands in memory. */
export async function* readPayload(
  members: readonly Member[],
  payloadBytes: number,
): AsyncGenerator<Uint8Array> {
  for (const { name, content, check } of members) {
    yield encodeHeader(name, content.size);
    for (let offset = 0; offset < content.size; offset += READ_BYTES) {
      yield await readPart(content, offset, Math.min(offset + READ_BYTES, content.size));
    }
    await check?.();
    yield new Uint8Array(paddingBytes(content.size));
  }
  let left = payloadBytes - tarBytes(members) + 2 * BLOCK_BYTES;
  const zeros = new Uint8Array(Math.min(left, READ_BYTES));
  while (left > 0) {
    const piece = zeros.subarray(0, Math.min(left, zeros.length));
    yield piece;
    left -= piece.length;
  }
}
