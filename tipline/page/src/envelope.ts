// One age file with eight hybrid stanzas, in slices as they are sent.

import { Encrypter } from "age-encryption";
import { sha256 } from "@noble/hashes/sha2.js";
import { PLACES } from "./keyset.js";
import { payloadBytesOf, TEXT_RUNG_BYTES } from "./ladder.js";
import { type Member, readPayload } from "./tar.js";

export const SLICE_BYTES = 1024 * 1024;

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 }, // read the next piece only when it is wanted
  );
}

function makeEncrypter(recipients: readonly string[]): Encrypter {
  // The library would mix classic and hybrid recipients without a word.
  if (recipients.length !== PLACES || !recipients.every((r) => r.startsWith("age1pq1"))) {
    throw new Error("a tip takes eight hybrid recipients");
  }
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter;
}

/** Seal the members into an envelope of exactly `rungBytes`, slice by slice. */
export async function* seal(
  members: readonly Member[],
  { recipients, rungBytes }: { recipients: readonly string[]; rungBytes: number },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const payloadBytes = payloadBytesOf(rungBytes);
  const sealed = await makeEncrypter(recipients).encrypt(
    streamOf(readPayload(members, payloadBytes)),
  );
  if (sealed.size(payloadBytes) !== rungBytes) throw new Error("envelope off the ladder");
  const reader = sealed.getReader();
  // One buffer for all slices: whoever takes a slice is done with it when the next is asked for.
  const buffer = new Uint8Array(Math.min(rungBytes, SLICE_BYTES));
  let filled = 0;
  let left = rungBytes;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (let rest = value; rest.length > 0;) {
        const part = rest.subarray(0, Math.min(buffer.length, left) - filled);
        if (part.length === 0) throw new Error("envelope longer than its rung");
        buffer.set(part, filled);
        filled += part.length;
        rest = rest.subarray(part.length);
        if (filled === Math.min(buffer.length, left)) {
          yield buffer.subarray(0, filled);
          left -= filled;
          filled = 0;
        }
      }
    }
    if (left !== 0) throw new Error("envelope shorter than its rung");
  } finally {
    await reader.cancel();
  }
}

/**
 * Seal nothing to nobody once, so that the engine has compiled the way by the time it is needed.
 *
 * Without it the first tip, which is nearly always the only one, is the slowest.
 */
export async function warmUp(recipients: readonly string[]): Promise<void> {
  for await (const slice of seal([], { recipients, rungBytes: TEXT_RUNG_BYTES })) sha256(slice);
}
