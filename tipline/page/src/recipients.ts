// Whom a tip is sealed to: always eight, in an order that says nothing
// (reference/formats.md, "Recipients of a tip").

import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { randomBytes } from "@noble/hashes/utils.js";
import { type Keyset, PLACES, readsOn } from "./keyset.js";
import { Refusal } from "./refusal.js";

/** A recipient whose private half is forgotten at once: it takes a place and opens nothing. */
async function makeThrowaway(): Promise<string> {
  return identityToRecipient(await generateHybridIdentity());
}

/** A number from 0 to `bound` - 1, each as likely as the other. */
function randomBelow(bound: number): number {
  const limit = 256 - (256 % bound);
  for (;;) {
    const byte = randomBytes(1)[0];
    if (byte !== undefined && byte < limit) return byte % bound;
  }
}

/** The list in a random order (Fisher and Yates). */
export function shuffle<T>(items: readonly T[]): T[] {
  const left = [...items];
  const shuffled: T[] = [];
  while (left.length > 0) shuffled.push(...left.splice(randomBelow(left.length), 1));
  return shuffled;
}

/**
 * The eight recipients of one tip.
 *
 * A reader who is left out, or does not read today, is replaced by a throwaway in the same place;
 * `fill` completes the eight. It is sealed to nobody whom the source was not shown.
 */
export async function chooseRecipients(
  keyset: Keyset,
  {
    channel: id,
    leaveOut,
    shownOn,
    today,
  }: { channel: string; leaveOut: readonly string[]; shownOn: string; today: string },
): Promise<string[]> {
  const channel = keyset.channels.find((candidate) => candidate.id === id);
  if (channel === undefined) throw new Refusal("keyset");
  // Since the page was opened midnight may have passed, and with it somebody's first or last day.
  if (channel.readers.some((each) => readsOn(each, today) !== readsOn(each, shownOn))) {
    throw new Refusal("keyset");
  }
  const optional = channel.readers.filter((member) => member.optional);
  // A wish that cannot be met is never dropped in silence.
  if (!leaveOut.every((wish) => optional.some((member) => member.reader.id === wish))) {
    throw new Refusal("keyset");
  }
  const recipients: string[] = [];
  let openers = 0;
  for (const member of channel.readers) {
    if (readsOn(member, today) && !leaveOut.includes(member.reader.id)) {
      recipients.push(member.reader.recipient);
      openers += 1;
    } else {
      recipients.push(await makeThrowaway());
    }
  }
  if (openers === 0) throw new Refusal("no_reader");
  recipients.push(...keyset.fill.slice(0, PLACES - recipients.length));
  return shuffle(recipients);
}
