// The rules for films and voice notes that Python and TypeScript share as data:
// tipline/cleaning/movie.json.
//
// Codecs that are kept are named with the configuration that each needs, if any. Words decide only
// what a person is told: what goes, goes whatever its name.

import rules from "../../../cleaning/movie.json";
import type { Kind } from "./plan.js";

export const MAX_LOOKED_AT_BYTES = 64 * 1024; // of what goes; names stand at the front

type Codecs = ReadonlyMap<string, string>;

/** By codec: the box of its configuration, "" if it has none. */
export const VIDEO_CODECS: Codecs = new Map(Object.entries(rules.codecs.video));
export const AUDIO_CODECS: Codecs = new Map(Object.entries(rules.codecs.audio));

/** Plain sound: how many bits a sample has, null if its description says it. */
export const PLAIN_BITS: ReadonlyMap<string, number | null> = new Map(
  Object.entries(rules.codecs.plain),
);

const WORDS = Object.entries(rules.words) as [Kind, string[]][];

/** The kinds of what is told about a film, by the names that it is told under. */
export function findMovieKinds(name: string, untrusted: Uint8Array): readonly Kind[] {
  const plain = name + new TextDecoder("latin1").decode(untrusted);
  const found = WORDS.filter(([, words]) => words.some((word) => plain.includes(word)));
  return found.length > 0 ? found.map(([kind]) => kind) : ["other"];
}
