// C2SP signed notes: a text, an empty line, signatures (reference/formats.md, "Signed notes").

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { base64 } from "@scure/base";
import { Refusal } from "./refusal.js";

const ED25519 = 1;
const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SIGNATURES_LIMIT = 16;

export interface Verifier {
  readonly name: string;
  readonly keyId: string;
  readonly publicKey: Uint8Array;
}

function decodeBase64(text: string): Uint8Array {
  const bytes = base64.decode(text);
  if (base64.encode(bytes) !== text) throw new Refusal("unsigned");
  return bytes;
}

/** Read `NAME+HEX8+BASE64(0x01 ‖ key)`; throws unless the key id fits name and key. */
export function parseVerifier(text: string): Verifier {
  const [, name, keyId, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  if (name === undefined || keyId === undefined || encoded === undefined) {
    throw new Refusal("unsigned");
  }
  const key = decodeBase64(encoded);
  if (key.length !== 1 + KEY_BYTES || key[0] !== ED25519) throw new Refusal("unsigned");
  const hashed = new Uint8Array([...new TextEncoder().encode(name), 0x0a, ...key]);
  if (bytesToHex(sha256(hashed).subarray(0, KEY_ID_BYTES)) !== keyId) throw new Refusal("unsigned");
  return { name, keyId, publicKey: key.subarray(1) };
}

/**
 * The note's text, once one signature of this verifier holds.
 *
 * A second line by the same key, or one that does not hold, refuses the note: a good signature
 * never excuses a bad one.
 */
export function verifyNote(untrustedNote: Uint8Array, verifier: Verifier): string {
  const note = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(untrustedNote);
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw new Refusal("unsigned");
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > SIGNATURES_LIMIT) throw new Refusal("unsigned");
  let found = false;
  for (const line of lines) {
    const [, name, encoded] = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    if (name === undefined || encoded === undefined) throw new Refusal("unsigned");
    const signature = decodeBase64(encoded);
    const keyId = bytesToHex(signature.subarray(0, KEY_ID_BYTES));
    if (name !== verifier.name || keyId !== verifier.keyId) continue;
    const holds =
      !found &&
      signature.length === KEY_ID_BYTES + SIGNATURE_BYTES &&
      // zip215 off: the strict rule of RFC 8032, as the Python side checks it.
      ed25519.verify(
        signature.subarray(KEY_ID_BYTES),
        new TextEncoder().encode(text),
        verifier.publicKey,
        { zip215: false },
      );
    if (!holds) throw new Refusal("unsigned");
    found = true;
  }
  if (!found) throw new Refusal("unsigned");
  return text;
}
