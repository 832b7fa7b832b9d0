// Who may read, signed by the desk root (reference/formats.md, "Keyset").

import { bech32 } from "@scure/base";
import { parseVerifier, verifyNote } from "./note.js";
import type { ChannelView, KeysetView, Names } from "./protocol.js";
import { Refusal } from "./refusal.js";

const FIRST_LINE = "tipline-keyset/v1\n";
export const KEYSET_LIMIT_BYTES = 256 * 1024;
const LIFE_LIMIT_DAYS = 31;
export const PLACES = 8;
const FILL_LEN = 7;
const LANGUAGES = ["en", "es", "pt"];
const KEYSET_FIELDS = [
  "number",
  "previous",
  "confirmed_on",
  "valid_from",
  "valid_until",
  "service",
  "log",
  "witnesses",
  "quorum",
  "onion",
  "answers",
  "readers",
  "fill",
  "channels",
];
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ID = /^[a-z0-9-]{1,32}$/;
const RECIPIENT_PREFIX = "age1pq";
const RECIPIENT_BYTES = 1216;
const DAY_MILLISECONDS = 86_400_000;

export interface Reader {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly since: string;
  readonly recipient: string;
}

export interface ChannelReader {
  readonly reader: Reader;
  readonly from: string;
  readonly until: string | null;
  readonly optional: boolean;
}

export interface Channel {
  readonly id: string;
  readonly names: Names;
  readonly categories: readonly { readonly id: string; readonly names: Names }[];
  readonly readers: readonly ChannelReader[];
}

export interface Keyset {
  readonly number: number;
  readonly confirmedOn: string;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly fill: readonly string[];
  readonly channels: readonly Channel[];
}

/** The day in UTC, as keysets write it. */
export function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

function malformed(): never {
  throw new Refusal("unsigned");
}

type Fields = Record<string, unknown>;

/** An object with exactly these fields: one that were skipped could be the one that mattered. */
function object(value: unknown, ...names: string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) malformed();
  const given = Object.keys(value);
  if (given.length !== names.length || !names.every((name) => given.includes(name))) malformed();
  return value as Fields;
}

function list<T>(value: unknown, parse: (item: unknown) => T): T[] {
  return Array.isArray(value) ? value.map(parse) : malformed();
}

function text(value: unknown, pattern?: RegExp): string {
  return typeof value === "string" && (pattern?.test(value) ?? true) ? value : malformed();
}

/** A hybrid recipient and no other: the library would take a classic one beside it. */
function recipient(value: unknown): string {
  const given = text(value);
  const { prefix, words } = bech32.decode(given as `${string}1${string}`, false);
  const isHybrid = prefix === RECIPIENT_PREFIX && given === given.toLowerCase();
  return isHybrid && bech32.fromWords(words).length === RECIPIENT_BYTES ? given : malformed();
}

function parseNames(value: unknown): Names {
  const names = object(value, ...LANGUAGES);
  for (const name of Object.values(names)) text(name);
  return names as Names;
}

function parseReader(value: unknown): Reader {
  // A reader's `signing` key is the service's business: nothing is sealed to it.
  const fields = object(value, "id", "name", "unit", "since", "recipient", "signing");
  return {
    id: text(fields["id"], ID),
    name: text(fields["name"]),
    unit: text(fields["unit"]),
    since: text(fields["since"], DAY),
    recipient: recipient(fields["recipient"]),
  };
}

function parseChannel(value: unknown, readers: ReadonlyMap<string, Reader>): Channel {
  const fields = object(value, "id", "names", "categories", "readers");
  const members = list(fields["readers"], (item) => {
    const member = object(item, "reader", "from", "until", "optional");
    const { optional, until } = member;
    if (typeof optional !== "boolean") malformed();
    return {
      reader: readers.get(text(member["reader"])) ?? malformed(),
      from: text(member["from"], DAY),
      until: until === null ? null : text(until, DAY),
      optional,
    };
  });
  if (members.length < 1 || members.length > PLACES) malformed();
  return {
    id: text(fields["id"], ID),
    names: parseNames(fields["names"]),
    categories: list(fields["categories"], (item) => {
      const category = object(item, "id", "names");
      return { id: text(category["id"], ID), names: parseNames(category["names"]) };
    }),
    readers: members,
  };
}

function parseKeyset(json: string): Keyset {
  const fields = object(JSON.parse(json), ...KEYSET_FIELDS);
  const number = fields["number"];
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) malformed();
  const readers = list(fields["readers"], parseReader);
  const byId = new Map(readers.map((reader) => [reader.id, reader]));
  const fill = list(fields["fill"], recipient);
  if (byId.size !== readers.length || fill.length !== FILL_LEN) malformed();
  return {
    number,
    confirmedOn: text(fields["confirmed_on"], DAY),
    validFrom: text(fields["valid_from"], DAY),
    validUntil: text(fields["valid_until"], DAY),
    fill,
    channels: list(fields["channels"], (item) => parseChannel(item, byId)),
  };
}

/** Refuse a keyset outside its days. Days in this form sort as text. */
export function checkValidity(keyset: Keyset, today: string): void {
  if (today > keyset.validUntil) throw new Refusal("expired", { day: keyset.validUntil, today });
  if (today < keyset.validFrom) throw new Refusal("early", { day: keyset.validFrom, today });
}

/**
 * The keyset, once its signature, its days, its length of life and its number hold.
 *
 * `minimum` is the highest number known to the page or seen before in this tab.
 */
export function verifyKeyset(
  untrustedNote: Uint8Array,
  { root, minimum, today }: { root: string; minimum: number; today: string },
): Keyset {
  let keyset: Keyset;
  try {
    const note = verifyNote(untrustedNote, parseVerifier(root));
    if (!note.startsWith(FIRST_LINE)) malformed();
    keyset = parseKeyset(note.slice(FIRST_LINE.length));
  } catch (error) {
    // Decoders and JSON.parse throw their own errors: all mean that this is no keyset of ours.
    if (error instanceof Refusal) throw error;
    throw new Refusal("unsigned");
  }
  const lifeDays =
    (Date.parse(keyset.validUntil) - Date.parse(keyset.validFrom)) / DAY_MILLISECONDS + 1;
  if (!(lifeDays <= LIFE_LIMIT_DAYS)) malformed();
  if (keyset.number < minimum) throw new Refusal("old");
  checkValidity(keyset, today);
  return keyset;
}

/** Does this reader read the channel on this day? */
export function readsOn(member: ChannelReader, today: string): boolean {
  return member.from <= today && (member.until === null || today <= member.until);
}

function viewChannel(channel: Channel, today: string): ChannelView {
  return {
    id: channel.id,
    names: channel.names,
    categories: channel.categories,
    readers: channel.readers
      .filter((member) => readsOn(member, today))
      .map(({ reader, until, optional }) => ({
        id: reader.id,
        name: reader.name,
        unit: reader.unit,
        since: reader.since,
        until,
        optional,
      })),
  };
}

/** What the source sees: channels that somebody reads today. */
export function viewKeyset(keyset: Keyset, today: string): KeysetView {
  const channels = keyset.channels
    .map((channel) => viewChannel(channel, today))
    .filter((channel) => channel.readers.some((reader) => !reader.optional));
  if (channels.length === 0) throw new Refusal("unread");
  return {
    number: keyset.number,
    confirmedOn: keyset.confirmedOn,
    validUntil: keyset.validUntil,
    channels,
  };
}
