// The rules that Python and TypeScript share as data: tipline/cleaning/rules.json.
//
// What is kept is decided by the allow-lists. The lists of kinds decide only what a person is told:
// a tag that stands in none of them goes all the same, as "other".

import rules from "../../../cleaning/rules.json";
import type { Kind } from "./plan.js";

/** Which rules these are: a tip says by which it was cleaned. */
export const RULES_NUMBER: number = rules.number;

type Listed<Item> = Readonly<Partial<Record<Kind, readonly Item[]>>>;
type KindsByNumber = ReadonlyMap<number, readonly Kind[]>;

function entries<Item>(listed: Listed<Item>): [Kind, readonly Item[]][] {
  return Object.entries(listed) as [Kind, readonly Item[]][];
}

function byNumber(listed: Listed<string | number>, base: number): KindsByNumber {
  const numbers = new Map<number, Kind[]>();
  for (const [kind, items] of entries(listed)) {
    for (const item of items) {
      const number = parseInt(String(item), base);
      numbers.set(number, [...(numbers.get(number) ?? []), kind]);
    }
  }
  return numbers;
}

function byWord(listed: Listed<string>): ReadonlyMap<string, readonly Kind[]> {
  const words = new Map<string, Kind[]>();
  for (const [kind, items] of entries(listed)) {
    for (const word of items) words.set(word, [...(words.get(word) ?? []), kind]);
  }
  return words;
}

/** By directory (image, exif, gps), then by tag. */
export const EXIF_KINDS: ReadonlyMap<string, KindsByNumber> = new Map(
  Object.entries(rules.exif).map(([name, listed]) => [name, byNumber(listed, 16)]),
);

/** By dataset of record 2. */
export const IPTC_KINDS: KindsByNumber = byNumber(rules.iptc, 10);

/** By the name of a comment of Vorbis or APE, in capital letters. */
export const COMMENT_KINDS: ReadonlyMap<string, readonly Kind[]> = byWord(rules.comments);

/** By the name of a frame of ID3. */
export const ID3_KINDS: ReadonlyMap<string, readonly Kind[]> = byWord(rules.id3);

/** By the name of an entry of WAV's LIST. */
export const WAV_INFO_KINDS: ReadonlyMap<string, readonly Kind[]> = byWord(rules.wav.info);

/** By the name of a chunk of WAV. */
export const WAV_CHUNK_KINDS: ReadonlyMap<string, readonly Kind[]> = byWord(rules.wav.chunks);

/** The words that properties are named with. */
export const XMP_WORDS: readonly [Kind, readonly string[]][] = entries<string>(rules.xmp);

/** The chunks of PNG that are kept. */
export const PNG_KEPT: ReadonlySet<string> = new Set(rules.png.kept);

/** What the others are, by their names. */
export const PNG_KINDS: ReadonlyMap<string, readonly Kind[]> = new Map(
  Object.entries(rules.png.kinds) as [string, Kind[]][],
);
