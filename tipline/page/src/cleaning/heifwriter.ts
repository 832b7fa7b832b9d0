// The lists of a HEIC or an AVIF, written anew: only what is named here is in them.

import { formatBox } from "./boxes.js";
import { type Bytes, encodeBigEndian, join } from "./bytes.js";
import type { Lists, Use } from "./heifitems.js";
import type { Piece } from "./plan.js";

/** A property as it is kept. */
export interface Property {
  readonly name: string;
  readonly content: Bytes;
}
export type Properties = readonly (Property | undefined)[];

/** An item that is kept: its number before, and the properties that stay. */
export interface Kept {
  readonly number: number;
  readonly uses: readonly Use[];
  readonly pieces: readonly Piece[];
}

/** Writes the lists of what is kept; items are numbered from 1. */
export class Writer {
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #places: ReadonlyMap<number, number>;
  readonly #properties: readonly Property[];

  constructor(
    private readonly lists: Lists,
    private readonly kept: readonly Kept[],
    properties: Properties,
  ) {
    this.#numbers = new Map(kept.map(({ number }, at) => [number, at + 1]));
    const used = [...new Set(kept.flatMap(({ uses }) => uses.map(({ place }) => place)))];
    used.sort((one, other) => one - other);
    this.#places = new Map(used.map((place, at) => [place, at + 1]));
    this.#properties = used.flatMap((place) => properties[place] ?? []);
  }

  /** Write `meta`; the first item lies at `base`. */
  format(base: number, lengths: readonly number[]): Bytes {
    const boxes = this.#properties.map(({ name, content }) => formatBox(name, content));
    return formatBox(
      "meta",
      ...["\0\0\0\0", formatBox("hdlr", new Uint8Array(8), "pict", new Uint8Array(13))],
      formatBox("pitm", "\0\0\0\0", this.#number(this.lists.primary)),
      this.#formatPlaces(base, lengths),
      formatBox("iinf", "\0\0\0\0", short(this.kept.length), ...this.#formatItems()),
      this.#formatLinks(),
      formatBox("iprp", formatBox("ipco", ...boxes), this.#formatUses()),
    );
  }

  #number(before: number): Bytes {
    return short(this.#numbers.get(before) ?? 0);
  }

  #formatPlaces(base: number, lengths: readonly number[]): Bytes {
    let at = base;
    const rows = this.kept.map(({ number }, row) => {
      const length = lengths[row] ?? 0;
      const place = join(encodeBigEndian(at, 4), encodeBigEndian(length, 4));
      at += length;
      return join(this.#number(number), "\0\0\0\u0001", place);
    });
    return formatBox("iloc", "\0\0\0\0\x44\0", short(rows.length), ...rows);
  }

  #formatItems(): Bytes[] {
    return this.kept.map(({ number }) => {
      const item = this.lists.items.get(number);
      const head = Uint8Array.of(2, 0, 0, item?.isHidden ? 1 : 0);
      return formatBox("infe", head, this.#number(number), "\0\0", item?.kind ?? "", "\0");
    });
  }

  #formatLinks(): Bytes {
    const rows = this.lists.links.flatMap(({ kind, source, targets }) => {
      const kept = targets.filter((target) => this.#numbers.has(target));
      const isKept = (kind === "dimg" || kind === "auxl") && this.#numbers.has(source);
      if (!isKept || kept.length === 0) return [];
      const numbers = kept.map((target) => this.#number(target));
      return [formatBox(kind, this.#number(source), short(kept.length), ...numbers)];
    });
    return rows.length > 0 ? formatBox("iref", "\0\0\0\0", ...rows) : new Uint8Array(0);
  }

  #formatUses(): Bytes {
    const isWide = this.#properties.length > 127;
    const width = isWide ? 2 : 1;
    const rows = this.kept.map(({ number, uses }) => {
      const told = uses.map(({ place, isEssential }) =>
        encodeBigEndian(
          (this.#places.get(place) ?? 0) + (isEssential ? 2 ** (8 * width - 1) : 0),
          width,
        ),
      );
      return join(this.#number(number), uses.length, ...told);
    });
    const flags = Uint8Array.of(0, 0, 0, isWide ? 1 : 0);
    return formatBox("ipma", flags, encodeBigEndian(rows.length, 4), ...rows);
  }
}

function short(number: number): Bytes {
  return encodeBigEndian(number, 2);
}
