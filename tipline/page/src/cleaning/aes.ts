// AES with blocks in a chain (CBC), as PDF writes it: the first block is the vector, behind the data
// stands filling that says its length. What is too short is filled up with zeros, and filling that
// is none stays, since qpdf does so, which reads for Python.

import { cbc } from "@noble/ciphers/aes.js";

import type { Bytes } from "./bytes.js";

export const BLOCK_BYTES = 16;

const NOTHING = new Uint8Array(0);
const UNFILLED = { disablePadding: true };
const LONG_BYTES = 4 * 1024; // what is shorter takes no longer than asking the browser

/**
 * What the browser codes by itself; undefined on a page without a safe way to its server. Without a
 * compiler ours takes two seconds for a megabyte.
 */
export function findSubtle(): SubtleCrypto | undefined {
  return globalThis.crypto.subtle as SubtleCrypto | undefined;
}

/** Code whole blocks, many of them. */
export async function codeBlocks(key: Bytes, vector: Bytes, data: Bytes): Promise<Bytes> {
  const subtle = findSubtle();
  if (subtle === undefined) return codeBlocksHere(key, vector, data);
  const own = await subtle.importKey("raw", key, "AES-CBC", false, ["encrypt"]);
  const coded = await subtle.encrypt({ name: "AES-CBC", iv: vector }, own, data);
  return new Uint8Array(coded).subarray(0, data.length); // behind it stands filling
}

function codeBlocksHere(key: Bytes, vector: Bytes, data: Bytes): Bytes {
  return cbc(key, vector, UNFILLED).encrypt(data) as Bytes;
}

/** Decode whole blocks. */
export function decodeBlocks(key: Bytes, vector: Bytes, data: Bytes): Bytes {
  return cbc(key, vector, UNFILLED).decrypt(data) as Bytes;
}

/** Decode with AES in CBC; the first block is the vector. */
export function decodeAes(key: Bytes, data: Bytes): Bytes {
  if (data.length <= BLOCK_BYTES) return NOTHING;
  const coded = takeBlocks(data, 0);
  const vector = data.subarray(0, BLOCK_BYTES);
  return cutFilling(decodeBlocks(key, vector, coded));
}

/** As `decodeAes`, by the browser where it does that. */
export async function decodeLongAes(key: Bytes, data: Bytes): Promise<Bytes> {
  const subtle = findSubtle();
  if (subtle === undefined || data.length < LONG_BYTES) return decodeAes(key, data);
  // The browser wants to find filling behind it, and cuts that off: so it is given some.
  const coded = takeBlocks(data, BLOCK_BYTES);
  const last = coded.subarray(-2 * BLOCK_BYTES, -BLOCK_BYTES);
  const filling = new Uint8Array(BLOCK_BYTES).fill(BLOCK_BYTES);
  coded.set(codeBlocksHere(key, last, filling), coded.length - BLOCK_BYTES);
  const own = await subtle.importKey("raw", key, "AES-CBC", false, ["decrypt"]);
  const way = { name: "AES-CBC", iv: data.subarray(0, BLOCK_BYTES) };
  return cutFilling(new Uint8Array(await subtle.decrypt(way, own, coded)));
}

/** All blocks behind the first; the last is filled up with zeros. Behind it there is room. */
function takeBlocks(data: Bytes, roomBytes: number): Bytes {
  const blockLen = Math.ceil(data.length / BLOCK_BYTES) - 1;
  const blocks = new Uint8Array(BLOCK_BYTES * blockLen + roomBytes);
  blocks.set(data.subarray(BLOCK_BYTES));
  return blocks;
}

function cutFilling(decoded: Bytes): Bytes {
  const fillLen = decoded.at(-1) ?? 0;
  const end = decoded.length - fillLen;
  const isFilled =
    fillLen <= BLOCK_BYTES && decoded.subarray(end).every((code) => code === fillLen);
  return isFilled ? decoded.subarray(0, end) : decoded;
}
