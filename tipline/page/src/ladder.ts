// The sizes an envelope may have, and how much each holds (reference/formats.md, "Size ladder").

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const CHUNK_BYTES = 64 * KIB;
const TAG_BYTES = 16;
// The version line, eight hybrid stanzas, the MAC line and the payload's nonce.
const OVERHEAD_BYTES = 12_542;
export const TEXT_RUNG_BYTES = 64 * KIB;
export const LARGEST_RUNG_BYTES = 4 * GIB;

function* rungs(): Generator<number> {
  yield TEXT_RUNG_BYTES;
  yield 256 * KIB;
  yield* [1, 4, 8, 16, 32].map((count) => count * MIB);
  for (let rung = 64 * MIB; rung <= GIB; rung += 64 * MIB) yield rung;
  for (let rung = GIB + 256 * MIB; rung <= LARGEST_RUNG_BYTES; rung += 256 * MIB) yield rung;
}

/** How many bytes of plaintext an envelope of exactly this size holds. */
export function payloadBytesOf(rungBytes: number): number {
  const sealedBytes = rungBytes - OVERHEAD_BYTES;
  return sealedBytes - TAG_BYTES * Math.ceil(sealedBytes / (CHUNK_BYTES + TAG_BYTES));
}

/** The smallest envelope that holds the payload, or undefined if none does. */
export function chooseRung(
  payloadBytes: number,
  { hasAttachments }: { hasAttachments: boolean },
): number | undefined {
  for (const rung of rungs()) {
    // Only a tip of text alone may be 64 KiB: the size says "a text" or "more", and nothing else.
    if (rung === TEXT_RUNG_BYTES && hasAttachments) continue;
    if (payloadBytesOf(rung) >= payloadBytes) return rung;
  }
  return undefined;
}
