// C2SP signed notes: a text, an empty line, a signature (reference/formats.md, "Signed notes").

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { base64 } from "@scure/base";
import { Refusal } from "./refusal.js";

const ED25519 = 1;
const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

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
 * The note's text, once this verifier's signature holds.
 *
 * Our notes carry exactly one signature: a second one would be by nobody that we know.
 */
export function verifyNote(untrustedNote: Uint8Array, verifier: Verifier): string {
  const note = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(untrustedNote);
  const [, text, name, encoded] =
    /^([^]*\n)\n\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)\n$/.exec(note) ?? [];
  if (text === undefined || encoded === undefined) throw new Refusal("unsigned");
  const signature = decodeBase64(encoded);
  const keyId = bytesToHex(signature.subarray(0, KEY_ID_BYTES));
  const holds =
    name === verifier.name &&
    keyId === verifier.keyId &&
    signature.length === KEY_ID_BYTES + SIGNATURE_BYTES &&
    // zip215 off: the strict rule of RFC 8032, as the Python side checks it.
    ed25519.verify(
      signature.subarray(KEY_ID_BYTES),
      new TextEncoder().encode(text),
      verifier.publicKey,
      { zip215: false },
    );
  if (!holds) throw new Refusal("unsigned");
  return text;
}
