// EXIF: a TIFF structure of tags about an image.
//
// Of all tags one is kept, the orientation, and it is written anew into the smallest structure that
// decoders understand. The rest is only looked at for its kinds. What cannot be read is "other": it
// goes all the same.

import { bigEndian, type Bytes, join, littleEndian, startsWith } from "./bytes.js";
import type { Kind } from "./plan.js";
import { EXIF_KINDS } from "./rules.js";

export const UPRIGHT = 1;

const MAX_DIRECTORIES = 16; // a camera writes five
const MAX_ENTRIES = 1_000; // of one directory; a camera writes about sixty
const ENTRY_BYTES = 12;
const LAST_ORIENTATION = 8;

const ORIENTATION = 0x0112;
const SUBDIRECTORIES: ReadonlyMap<number, string> = new Map([
  [0x8769, "exif"],
  [0x8825, "gps"],
  [0xa005, "interoperability"],
]);
// By type: some scanners write a longer or shorter number than the two bytes of type 3.
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
]);

/** What EXIF says: an orientation, of which 1 is upright, and the kinds of everything else. */
export interface Exif {
  readonly orientation: number;
  readonly kinds: readonly Kind[];
}

/** Read the orientation, and the kinds of all else, from the byte order mark on. */
export function readExif(untrusted: Uint8Array): Exif {
  const order = startsWith(untrusted, "II*\0")
    ? littleEndian
    : startsWith(untrusted, "MM\0*")
      ? bigEndian
      : undefined;
  if (order === undefined || untrusted.length < 8)
    return { orientation: UPRIGHT, kinds: ["other"] };
  return new Reader(untrusted, order).read();
}

/** Write EXIF that says the orientation (2 to 8) and nothing else: the same for everybody. */
export function formatOrientation(orientation: number): Bytes {
  return join("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", orientation, "\0\0\0\0\0\0");
}

/** Walks the directories, each once. */
class Reader {
  #orientation = UPRIGHT;
  readonly #kinds = new Set<Kind>();

  constructor(
    private readonly data: Uint8Array,
    private readonly order: typeof bigEndian,
  ) {}

  read(): Exif {
    const waiting: [string, number][] = [["image", this.#number(4, 4)]];
    const seen = new Set<number>();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [name, offset] = next;
      if (seen.has(offset) || seen.size >= MAX_DIRECTORIES) {
        this.#kinds.add("other");
        continue;
      }
      seen.add(offset);
      waiting.push(...this.#readDirectory(name, offset));
    }
    return { orientation: this.#orientation, kinds: [...this.#kinds] };
  }

  #number(offset: number, lengthBytes: number): number {
    return this.order(this.data, offset, lengthBytes);
  }

  /** Note the kinds of a directory; return the directories that it names. */
  #readDirectory(name: string, offset: number): [string, number][] {
    const below: [string, number][] = [];
    const count = this.#number(offset, 2);
    const end = offset + 2 + count * ENTRY_BYTES;
    if (end > this.data.length || count > MAX_ENTRIES) {
      this.#kinds.add("other");
      return [];
    }
    for (let start = offset + 2; start < end; start += ENTRY_BYTES) {
      const tag = this.#number(start, 2);
      const subdirectory = SUBDIRECTORIES.get(tag);
      if (name === "image" && tag === ORIENTATION) this.#readOrientation(start);
      else if (subdirectory !== undefined) below.push([subdirectory, this.#number(start + 8, 4)]);
      else this.#findKinds(name, tag);
    }
    const following = this.#number(end, 4);
    if (name === "image" && following !== 0) {
      // The second directory of the chain describes the preview.
      this.#kinds.add("preview");
      below.push(["preview", following]);
    }
    return below;
  }

  #findKinds(name: string, tag: number): void {
    const isPreview = name === "preview";
    const known = EXIF_KINDS.get(isPreview ? "image" : name)?.get(tag);
    if (name === "gps") this.#kinds.add("place");
    else if (known === undefined) this.#kinds.add(isPreview ? "preview" : "other");
    for (const kind of known ?? []) this.#kinds.add(kind);
  }

  #readOrientation(start: number): void {
    const value = this.#number(start + 8, NUMBER_BYTES.get(this.#number(start + 2, 2)) ?? 0);
    if (UPRIGHT <= value && value <= LAST_ORIENTATION) this.#orientation = value;
  }
}
