// The lists of a HEIC or an AVIF (ISO/IEC 23008-12 and 14496-12, 8.11): items, and what is said of
// them.
//
// Everything is read into the few numbers that it consists of. What refers to something that is not
// there is refused where it is needed.

import { type Box, Cursor, listBoxes, listNamed, need } from "./boxes.js";
import { textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const MAX_ITEMS = 4_096; // a picture of 48 megapixels has 200
const MAX_NAME_BYTES = 4_096; // of what an item says of itself
const MAX_EXTENTS = 16_384; // of all items together

const IN_FILE = 0;
const IN_META = 1;

/** A part of an item, from the file's first byte, or from that of `idat`. */
interface Extent {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Where an item lies. */
export interface ItemPlace {
  readonly isInMeta: boolean;
  readonly extents: readonly Extent[];
}

/** An item; hidden if it is a part of another, protected if it is encrypted. */
interface Item {
  readonly kind: string;
  readonly isHidden: boolean;
  readonly isProtected: boolean;
  /** What it says of itself, if it is a file of another format. */
  readonly contentType: string;
}

/** That an item belongs to others. */
interface Link {
  readonly kind: string;
  readonly source: number;
  readonly targets: readonly number[];
}

/** That an item has a property, and whether a reader must know it. */
export interface Use {
  readonly place: number;
  readonly isEssential: boolean;
}

/** What `meta` says. */
export interface Lists {
  readonly primary: number;
  readonly items: ReadonlyMap<number, Item>;
  readonly places: ReadonlyMap<number, ItemPlace>;
  readonly links: readonly Link[];
  readonly properties: readonly Box[];
  readonly uses: ReadonlyMap<number, readonly Use[]>;
}

/** Read the lists from the content of `meta`. */
export function readLists(data: Uint8Array): Lists {
  const boxes = listNamed(data, 4, data.length);
  const primary = open(data, need(boxes, "pitm"));
  const told = need(boxes, "iprp");
  const container = need(listNamed(data, told.start, told.end), "ipco");
  return {
    primary: primary.cursor.number(primary.version ? 4 : 2),
    items: readItems(data, need(boxes, "iinf")),
    places: readPlaces(data, need(boxes, "iloc")),
    links: readLinks(data, boxes.get("iref")),
    properties: [...listBoxes(data, container.start, container.end)],
    uses: readUses(data, told),
  };
}

interface Opened {
  readonly cursor: Cursor;
  readonly version: number;
  readonly flags: number;
}

/** What is behind the version and the flags, and these. */
function open(data: Uint8Array, box: Box): Opened {
  const cursor = new Cursor(data, box.start, box.end);
  return { cursor, version: cursor.number(1), flags: cursor.number(3) };
}

function readItems(data: Uint8Array, box: Box): ReadonlyMap<number, Item> {
  const { cursor, version } = open(data, box);
  const count = cursor.number(version ? 4 : 2);
  const entries = [...listBoxes(data, box.end - cursor.left, box.end)];
  if (count !== entries.length || count > MAX_ITEMS) throw new CleaningRefusal("malformed");
  return new Map(entries.map((entry) => readItem(data, entry)));
}

function readItem(data: Uint8Array, entry: Box): readonly [number, Item] {
  const { cursor, version, flags } = open(data, entry);
  if (entry.name !== "infe" || (version !== 2 && version !== 3)) {
    throw new CleaningRefusal("unsupported");
  }
  const number = cursor.number(version === 3 ? 4 : 2);
  const isProtected = cursor.number(2) !== 0;
  const kind = textOf(cursor.take(4));
  const [, contentType = ""] = textOf(cursor.take(Math.min(cursor.left, MAX_NAME_BYTES))).split(
    "\0",
  );
  return [number, { kind, isHidden: (flags & 1) !== 0, isProtected, contentType }];
}

function readPlaces(data: Uint8Array, box: Box): ReadonlyMap<number, ItemPlace> {
  const { cursor, version } = open(data, box);
  const widths = cursor.number(2);
  const [offsetBytes, lengthBytes, baseBytes] = [
    widths >> 12,
    (widths >> 8) & 15,
    (widths >> 4) & 15,
  ];
  const indexBytes = version ? widths & 15 : 0;
  if ([offsetBytes, lengthBytes, baseBytes].some((width) => ![0, 4, 8].includes(width))) {
    throw new CleaningRefusal("malformed");
  }
  const places = new Map<number, ItemPlace>();
  let extentCount = 0;
  const count = cursor.number(version === 2 ? 4 : 2);
  if (count > MAX_ITEMS) throw new CleaningRefusal("too-complex");
  for (let row = 0; row < count; row++) {
    const number = cursor.number(version === 2 ? 4 : 2);
    const method = version ? cursor.number(2) & 15 : IN_FILE;
    const isElsewhere = cursor.number(2) !== 0;
    const base = cursor.number(baseBytes);
    const extents: Extent[] = [];
    const rowExtents = cursor.number(2);
    for (let part = 0; part < rowExtents; part++) {
      cursor.take(indexBytes);
      const offset = base + cursor.number(offsetBytes);
      extents.push({ offset, lengthBytes: cursor.number(lengthBytes) });
      extentCount++;
      if (extentCount > MAX_EXTENTS) throw new CleaningRefusal("too-complex");
    }
    // What lies in another file or in another item is as if it were nowhere.
    if (!isElsewhere && (method === IN_FILE || method === IN_META)) {
      places.set(number, { isInMeta: method === IN_META, extents });
    }
  }
  return places;
}

function readLinks(data: Uint8Array, box: Box | undefined): readonly Link[] {
  if (box === undefined) return [];
  const { cursor, version } = open(data, box);
  const width = version ? 4 : 2;
  const links: Link[] = [];
  for (const entry of listBoxes(data, box.end - cursor.left, box.end)) {
    const inside = new Cursor(data, entry.start, entry.end);
    const source = inside.number(width);
    const count = inside.number(2);
    if (count > MAX_ITEMS) throw new CleaningRefusal("too-complex");
    const targets = Array.from({ length: count }, () => inside.number(width));
    links.push({ kind: entry.name, source, targets });
  }
  return links;
}

function readUses(data: Uint8Array, box: Box): ReadonlyMap<number, readonly Use[]> {
  const uses = new Map<number, readonly Use[]>();
  for (const entry of listBoxes(data, box.start, box.end)) {
    if (entry.name !== "ipma") continue;
    const { cursor, version, flags } = open(data, entry);
    const width = flags & 1 ? 2 : 1;
    const essential = 1 << (8 * width - 1);
    const count = cursor.number(4);
    if (count > MAX_ITEMS) throw new CleaningRefusal("too-complex");
    for (let row = 0; row < count; row++) {
      const number = cursor.number(version ? 4 : 2);
      const told = Array.from({ length: cursor.number(1) }, () => cursor.number(width));
      const used = told
        .filter((one) => one % essential !== 0) // 0 is no property
        .map((one) => ({ place: (one % essential) - 1, isEssential: one >= essential }));
      uses.set(number, [...(uses.get(number) ?? []), ...used]);
    }
  }
  return uses;
}
