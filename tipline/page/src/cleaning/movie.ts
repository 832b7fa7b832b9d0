// Films and voice notes: MP4, M4A, 3GP and QuickTime (ISO/IEC 14496-12 and -14, QuickTime's format).
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/movie.py keeps them in Python.
// The cleaned file is written anew as `ftyp`, `moov`, `mdat`. The head (`moov`) lies in memory, and
// its tables once more; the samples are slices of the file that was chosen.

import {
  type Box,
  Cursor,
  encodeNumbers,
  formatBox,
  formatLongHead,
  isZero,
  listBoxes,
  listNamed,
} from "./boxes.js";
import { bigEndian, type Bytes, encodeBigEndian, join, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { Fragments } from "./fragments.js";
import { packSamples, type Part } from "./mediadata.js";
import { findMovieKinds, MAX_LOOKED_AT_BYTES } from "./movierules.js";
import { type Kind, type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";
import {
  type Film,
  formatMatrix,
  formatTrack,
  ONE,
  readHandler,
  readTimes,
  readTrack,
  readTurn,
  SOUND,
  type Track,
  type Turn,
  VISUAL,
} from "./tracks.js";

const MAX_HEAD_BYTES = 32 * 1024 * 1024; // of `moov`; an hour of 60 pictures a second has five
const MAX_TRACKS = 64;
const MAX_BOXES = 1_000_000;

const QUICKTIME = "qt  ";
const PHONE = "3g";
/** What a file begins with: its brand, or, of old QuickTime, a box that holds the film. */
const STARTS: readonly string[] = ["ftyp", "moov", "mdat", "wide", "skip", "free", "pnot"];
const BRANDS = {
  mp4: "mp42\0\0\0\0mp42isom",
  m4a: "M4A \0\0\0\0M4A mp42isom",
  "3gp": "3gp6\0\0\0\0" + "3gp6isom",
  mov: "qt  \0\0\0\0qt  ",
} as const;
type MovieFormat = keyof typeof BRANDS;
const REFUSED: readonly string[] = ["cmov", "rmra"]; // a head that is compressed, or elsewhere
const OF_NO_USE: readonly string[] = ["free", "skip", "wide", "sidx", "styp", "mfra"];
const TELLING_HANDLERS: ReadonlyMap<string, Kind> = new Map([
  ["tmcd", "time"],
  ["text", "text"],
  ["sbtl", "text"],
  ["subt", "text"],
  ["clcp", "text"],
  ["pict", "preview"],
]);
const REFERENCES: readonly string[] = ["chap", "thmb"]; // pictures and texts about the film
const FIRST_WIDE = 2 ** 32;

/** Tell a film by its first bytes; pictures of the same build begin so, too. */
export function isMovie(head: Uint8Array): boolean {
  return STARTS.includes(textOf(head.subarray(4, 8)));
}

/** Plan the cleaning of a film or a voice note; the plan's format says which of the four it is. */
export function planMovie(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

/** A box that the file is made of, and how long its head is. */
interface TopBox extends Box {
  readonly headBytes: number;
}

class Reader {
  readonly #found = new Set<Kind>();
  readonly #media: Part[] = [];
  #brand = QUICKTIME;

  constructor(private readonly source: Source) {}

  async read(): Promise<Plan> {
    let head: TopBox | undefined;
    const fragments: TopBox[] = [];
    for await (const box of this.#listTop()) {
      if (box.name === "ftyp") {
        this.#brand = textOf(await this.source.read(box.start, Math.min(4, box.end - box.start)));
      } else if (box.name === "mdat") {
        this.#media.push({ start: box.start, end: box.end });
      } else if (box.name === "moov") {
        if (head !== undefined) throw new CleaningRefusal("malformed");
        head = box;
      } else if (box.name === "moof") {
        fragments.push(box);
      } else if (!OF_NO_USE.includes(box.name)) {
        await this.#lookAt(box);
      }
    }
    if (head === undefined) throw new CleaningRefusal("malformed");
    const headBytes = [head, ...fragments].reduce((sum, { start, end }) => sum + end - start, 0);
    if (headBytes > MAX_HEAD_BYTES) throw new CleaningRefusal("too-complex");
    const data = await this.source.read(head.start, head.end - head.start);
    const [timescale, turn] = this.#readHead(data);
    const isQuicktime = this.#brand === QUICKTIME;
    const film = { data, timescale, isQuicktime, found: this.#found };
    const tracks = [...this.#readTracks(film, await this.#readFragments(data, fragments))];
    if (tracks.length === 0) throw new CleaningRefusal("malformed");
    return this.#build(tracks, timescale, turn);
  }

  /** The boxes that the file is made of; what is no box at its end goes. */
  async *#listTop(): AsyncGenerator<TopBox> {
    const end = this.source.lengthBytes;
    let isWhole = false;
    let at = 0;
    for (let count = 1; at < end; count++) {
      if (count > MAX_BOXES) throw new CleaningRefusal("too-complex");
      const head = await this.source.readUpTo(at, 16);
      const name = textOf(head.subarray(4, 8));
      let length = bigEndian(head, 0, 4);
      let headBytes = 8;
      if (length === 0) {
        length = end - at;
      } else if (length === 1) {
        length = bigEndian(head, 8, 8);
        headBytes = 16;
      }
      if (length < headBytes || at + length > end || head.length < headBytes) {
        const isMore = name === "mdat" || name === "moof";
        if (!isWhole || this.#media.length === 0 || isMore) throw new CleaningRefusal("truncated");
        this.#found.add("trailing");
        return;
      }
      isWhole ||= name === "moov";
      yield { name, start: at + headBytes, end: at + length, headBytes };
      at += length;
    }
  }

  async #lookAt({ name, start, end }: Box): Promise<void> {
    const content = await this.source.read(start, Math.min(end - start, MAX_LOOKED_AT_BYTES));
    this.#find(findMovieKinds(name, content));
  }

  #find(kinds: readonly Kind[]): void {
    for (const kind of kinds) this.#found.add(kind);
  }

  /** The film's units in a second, and how it is turned. */
  #readHead(data: Uint8Array): readonly [number, Turn] {
    const box = listNamed(data, 0, data.length).get("mvhd");
    if (box === undefined) throw new CleaningRefusal("malformed");
    const cursor = new Cursor(data, box.start, box.end);
    const [, width] = readTimes(cursor, this.#found);
    const timescale = cursor.number(4);
    cursor.take(width + 16);
    const turn = readTurn(cursor.take(36));
    if (timescale === 0) throw new CleaningRefusal("malformed");
    return [timescale, turn];
  }

  /** Read the tables that stand between the samples, if the film is in fragments. */
  async #readFragments(data: Uint8Array, boxes: readonly TopBox[]): Promise<Fragments | undefined> {
    const extension = listNamed(data, 0, data.length).get("mvex");
    if (boxes.length === 0) return undefined;
    if (extension === undefined) throw new CleaningRefusal("malformed");
    const fragments = new Fragments(data, extension);
    for (const { start, end, headBytes } of boxes) {
      fragments.add(await this.source.read(start, end - start), start - headBytes);
    }
    return fragments;
  }

  *#readTracks(film: Film, fragments: Fragments | undefined): Generator<Track> {
    const { data } = film;
    const boxes = [...listBoxes(data, 0, data.length)];
    const named = boxes.filter(({ name }) => name === "trak");
    const aside = new Set(named.flatMap((box) => [...nameAside(data, box)]));
    let trackCount = 0;
    for (const box of boxes) {
      if (REFUSED.includes(box.name)) throw new CleaningRefusal("unsupported");
      if (box.name === "trak") {
        trackCount++;
        if (trackCount > MAX_TRACKS) throw new CleaningRefusal("too-complex");
        const track = this.#readTrack(box, film, aside, fragments);
        if (track !== undefined) yield track;
      } else if (!["mvhd", "iods", "mvex", ...OF_NO_USE].includes(box.name)) {
        this.#lookIn(data, box);
      }
    }
  }

  #readTrack(
    box: Box,
    film: Film,
    aside: ReadonlySet<number>,
    fragments: Fragments | undefined,
  ): Track | undefined {
    const { data } = film;
    const [handler, codec] = readHandler(data, box);
    if (handler !== VISUAL && handler !== SOUND) {
      const told = TELLING_HANDLERS.get(handler);
      this.#find(told === undefined ? findMovieKinds("", codec) : [told]);
      return undefined;
    }
    const boxes = listNamed(data, box.start, box.end);
    const number = readNumber(data, boxes.get("tkhd"));
    if (aside.has(number)) {
      this.#found.add("preview");
      return undefined;
    }
    for (const name of ["udta", "meta", "uuid"]) {
      const telling = boxes.get(name);
      if (telling !== undefined) this.#lookIn(data, telling);
    }
    return readTrack(box, film, fragments?.formatTables(number));
  }

  #lookIn(data: Uint8Array, { name, start, end }: Box): void {
    const content = data.subarray(start, Math.min(end, start + MAX_LOOKED_AT_BYTES));
    // An empty one says nothing.
    if (!isZero(content)) this.#find(findMovieKinds(name, content));
  }

  async #build(tracks: readonly Track[], timescale: number, turn: Turn): Promise<Plan> {
    const format = this.#chooseFormat(tracks);
    const builder = new PlanBuilder(format, this.source);
    const target = { source: this.source, builder, found: this.#found };
    const places = await packSamples(tracks, this.#media, target);
    const contentBytes = builder.measure();
    if (contentBytes === 0) throw new CleaningRefusal("malformed");
    const brand = formatBox("ftyp", BRANDS[format]);
    const mediaHead = formatLongHead("mdat", contentBytes);
    const isQuicktime = format === "mov";

    const formatHead = (base: number, isWide: boolean): Bytes =>
      formatBox(
        "moov",
        formatFilmHead(tracks, timescale, turn),
        ...tracks.map((track, number) => {
          const offsets = (places[number] as Float64Array).map((place) => base + place);
          return formatTrack(track, { offsets, number: number + 1, isWide, isQuicktime });
        }),
      );

    // The offsets depend on the length of the head, and that on their width alone.
    let frontBytes = brand.length + mediaHead.length + formatHead(0, false).length;
    const isWide = frontBytes + contentBytes >= FIRST_WIDE;
    if (isWide) frontBytes = brand.length + mediaHead.length + formatHead(0, true).length;
    builder.insert(join(brand, formatHead(frontBytes, isWide), mediaHead), 0);
    builder.find(...this.#found);
    return builder.build();
  }

  #chooseFormat(tracks: readonly Track[]): MovieFormat {
    if (this.#brand === QUICKTIME) return "mov";
    if (this.#brand.startsWith(PHONE)) return "3gp";
    return tracks.some(({ handler }) => handler === VISUAL) ? "mp4" : "m4a";
  }
}

function formatFilmHead(tracks: readonly Track[], timescale: number, turn: Turn): Bytes {
  const duration = Math.max(...tracks.map(({ head }) => head.duration));
  const isLong = duration >= FIRST_WIDE;
  const width = isLong ? 8 : 4;
  return formatBox(
    "mvhd",
    ...[Uint8Array.of(isLong ? 1 : 0, 0, 0, 0), new Uint8Array(2 * width)],
    ...[encodeBigEndian(timescale, 4), encodeBigEndian(duration, width)],
    ...[encodeBigEndian(ONE, 4), encodeBigEndian(0x100, 2), new Uint8Array(10)],
    ...[formatMatrix(turn, 0, 0), new Uint8Array(24), encodeNumbers(4, tracks.length + 1)],
  );
}

/** The tracks that a track has for its chapters and previews. */
function* nameAside(data: Uint8Array, box: Box): Generator<number> {
  const references = listNamed(data, box.start, box.end).get("tref");
  if (references === undefined) return;
  for (const { name, start, end } of listBoxes(data, references.start, references.end)) {
    const cursor = new Cursor(data, start, end);
    while (REFERENCES.includes(name) && cursor.left >= 4) yield cursor.number(4);
  }
}

/** A track's number. */
function readNumber(data: Uint8Array, box: Box | undefined): number {
  if (box === undefined) throw new CleaningRefusal("malformed");
  const cursor = new Cursor(data, box.start, box.end);
  cursor.take(Math.floor(cursor.number(4) / 2 ** 24) === 1 ? 16 : 8);
  return cursor.number(4);
}
