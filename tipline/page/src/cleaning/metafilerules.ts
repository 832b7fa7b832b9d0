// The lists of records of Windows' drawings that Python and TypeScript share: metafiles.json.

import metafiles from "../../../cleaning/metafiles.json";
import type { Bytes } from "./bytes.js";
import type { Kind } from "./plan.js";

/** A drawing that was cleaned; `kinds` are of what goes, not of what is only written otherwise. */
export interface Drawing {
  readonly content: Bytes;
  readonly kinds: ReadonlySet<Kind>;
}

/** Writes a record anew. */
export type Rewriter = (record: Bytes) => Bytes | Promise<Bytes>;

/** What is kept of a format of drawings, by the numbers of records; places as the lists have them. */
export interface MetafileRules {
  readonly fixed: ReadonlyMap<number, number>;
  readonly bitmaps: ReadonlyMap<number, readonly number[]>;
  readonly dropped: ReadonlyMap<number, Kind>;
}

type Listed = Readonly<Record<string, string>>;

function listNumbers(listed: Listed, base: number): [number, string][] {
  return Object.entries(listed).flatMap(([key, numbers]) =>
    numbers.split(" ").map((number): [number, string] => [parseInt(number, base), key]),
  );
}

function makeRules(
  listed: {
    readonly fixed: Listed;
    readonly bitmaps: Readonly<Record<string, readonly number[]>>;
    readonly dropped: Listed;
  },
  base: number,
): MetafileRules {
  return {
    fixed: new Map(listNumbers(listed.fixed, base).map(([number, size]) => [number, Number(size)])),
    bitmaps: new Map(
      Object.entries(listed.bitmaps).map(([number, places]) => [parseInt(number, base), places]),
    ),
    dropped: new Map(listNumbers(listed.dropped, base) as [number, Kind][]),
  };
}

export const EMF = makeRules(metafiles.emf, 10);
export const WMF = makeRules(metafiles.wmf, 16);
/** Of EMF: how long a record is without what it counts, where the count is, how long one of it. */
export const COUNTED = listNumbers(metafiles.emf.counted, 10).map(
  ([number, key]) => [number, key.split(" ").map(Number) as [number, number, number]] as const,
);
/** Of EMF: where the region begins that a record holds. */
export const REGIONS = listNumbers(metafiles.emf.regions, 10).map(
  ([number, start]) => [number, Number(start)] as const,
);
/** Of WMF: records that newer programs write a word longer, which means nothing. */
export const LONGER: ReadonlySet<number> = new Set(
  metafiles.wmf.longer.split(" ").map((number) => parseInt(number, 16)),
);
