// How a track's samples are decoded (ISO/IEC 14496-12, 8.5.2, and QuickTime's older ways).
//
// A description is written anew: its codec, the sizes, the rate, and of the boxes inside those that a
// decoder needs, each of its exact shape. Names of encoders and makers go, and every box that is not
// named here. A codec that is not named in movie.json is refused: it may hold more than pictures.

import { type Box, Cursor, encodeNumbers, formatBox, isZero, listBoxes } from "./boxes.js";
import { bigEndian, type Bytes, join, startsWith } from "./bytes.js";
import { type Config, formatConfig, READERS } from "./codecs.js";
import { CleaningRefusal } from "./errors.js";
import { AUDIO_CODECS, PLAIN_BITS, VIDEO_CODECS } from "./movierules.js";
import type { Kind } from "./plan.js";

const MAX_DESCRIPTIONS = 16; // of one track; a cut film has as many as it has sources

const FIXED_RATE = 0x00480000; // 72 dots per inch: what nearly all write
const VISUAL_BYTES = 78;
const SOUND_BYTES = 28;
const END_OF_WAVE = "\0\0\0\x08\0\0\0\0";
const MORE_BYTES: readonly number[] = [0, 16, 36];

/** Of a box inside a description what is kept, undefined if nothing is. */
export type ShapeReader = (content: Uint8Array) => Uint8Array | undefined;
type ShapeReaders = ReadonlyMap<string, ShapeReader>;

/** How some samples are decoded. */
export interface Description {
  readonly entry: Bytes;
  readonly codec: string;
  readonly config: Config | undefined;
  /** Of plain sound how many samples are how many bytes. */
  readonly packet?: Packet | undefined;
}

interface Packet {
  readonly samples: number;
  readonly bytes: number;
}

/** What a track's descriptions are read from. */
export interface DescriptionSource {
  readonly data: Uint8Array;
  readonly handler: string;
  readonly isQuicktime: boolean;
  readonly found: Set<Kind>;
}

/** Read a track's descriptions, of which there is at least one. */
export function readDescriptions(box: Box, source: DescriptionSource): readonly Description[] {
  const { data, handler } = source;
  const cursor = new Cursor(data, box.start, box.end);
  const version = cursor.number(1);
  cursor.take(3);
  const count = cursor.number(4);
  const entries = [...listBoxes(data, box.start + 8, box.end)];
  if (count < 1 || count !== entries.length || count > MAX_DESCRIPTIONS) {
    throw new CleaningRefusal("malformed");
  }
  const isQuicktime = source.isQuicktime || version === 0;
  const reader = new Reader(data, isQuicktime, source.found);
  return entries.map((entry) => (handler === "vide" ? reader.visual(entry) : reader.sound(entry)));
}

class Reader {
  constructor(
    private readonly data: Uint8Array,
    private readonly isQuicktime: boolean,
    private readonly found: Set<Kind>,
  ) {}

  visual(box: Box): Description {
    const needed = findNeeded(VIDEO_CODECS, box.name);
    const fixed = new Cursor(this.data, box.start, box.end).take(VISUAL_BYTES);
    if (!isZero(fixed.subarray(12, 16)) || !isZero(fixed.subarray(42, 74))) {
      this.found.add("software");
    }
    const depth = bigEndian(fixed, 74, 2) === 32 ? 32 : 24;
    const head = join(
      ...[encodeNumbers(2, 0, 0, 0, 1), new Uint8Array(16), fixed.subarray(24, 28)],
      ...[encodeNumbers(4, FIXED_RATE, FIXED_RATE, 0), encodeNumbers(2, 1), new Uint8Array(32)],
      encodeNumbers(2, depth, 0xffff),
    );
    const children = [...listBoxes(this.data, box.start + VISUAL_BYTES, box.end)];
    const [config, kept] = this.#readChildren(needed, children, PICTURE_BOXES);
    return { entry: formatBox(box.name, head, ...kept), codec: box.name, config };
  }

  sound(box: Box): Description {
    const needed = findNeeded(AUDIO_CODECS, box.name);
    const cursor = new Cursor(this.data, box.start, box.end);
    const fixed = cursor.take(SOUND_BYTES);
    const version = bigEndian(fixed, 8, 2);
    const channels = bigEndian(fixed, 16, 2);
    const bits = bigEndian(fixed, 18, 2);
    const compression = bigEndian(fixed, 20, 2);
    if (!isZero(fixed.subarray(12, 16))) this.found.add("software");
    const moreBytes = MORE_BYTES[version];
    if (moreBytes === undefined || (version === 2 && !this.isQuicktime)) {
      throw new CleaningRefusal("unsupported");
    }
    const more = cursor.take(this.isQuicktime ? moreBytes : 0);
    const children = [...listBoxes(this.data, box.start + SOUND_BYTES + more.length, box.end)];
    const head = join(
      ...[encodeNumbers(2, 0, 0, 0, 1, version, 0, 0, 0, channels, bits)],
      ...[encodeNumbers(2, compression & 0x8000 ? compression : 0, 0), fixed.subarray(24)],
    );
    const wave = children.find((child) => child.name === "wave");
    let config: Config | undefined;
    let kept: Bytes[];
    if (wave !== undefined && this.isQuicktime) {
      const inside = [...listBoxes(this.data, wave.start, wave.end)];
      [config, kept] = this.#readChildren(needed, inside, WAVE_BOXES);
      if (kept.length > 0) {
        const front = [formatBox("frma", box.name)];
        if (box.name === "mp4a") front.push(formatBox("mp4a", new Uint8Array(4)));
        kept = [formatBox("wave", ...front, ...kept, END_OF_WAVE)];
      }
    } else {
      [config, kept] = this.#readChildren(needed, children, new Map());
    }
    kept.push(...this.#readChildren("", children, SOUND_BOXES)[1]);
    return {
      entry: formatBox(box.name, head, more, ...kept),
      codec: box.name,
      config,
      packet: findPacket(box.name, { version, channels, bits, more }),
    };
  }

  /** Keep what a decoder needs, each once, in an order of our own. */
  #readChildren(
    needed: string,
    boxes: readonly Box[],
    readers: ShapeReaders,
  ): [Config | undefined, Bytes[]] {
    let config: Config | undefined;
    const kept = new Map<string, Bytes>();
    for (const box of boxes) {
      const content = this.data.subarray(box.start, box.end);
      const read = readers.get(box.name);
      if (box.name === needed && config === undefined) {
        config = READERS.get(box.name)?.(content);
      } else if (read !== undefined && !kept.has(box.name)) {
        const again = read(content);
        if (again !== undefined) kept.set(box.name, formatBox(box.name, again));
        else if (box.name === "colr") this.found.add("profile");
      }
    }
    if (needed !== "" && config === undefined) throw new CleaningRefusal("malformed");
    const others = [...readers.keys()].flatMap((name) => kept.get(name) ?? []);
    return [config, config === undefined ? others : [formatConfig(config), ...others]];
  }
}

/** The name of the configuration that a codec needs, "" if it needs none. */
function findNeeded(codecs: ReadonlyMap<string, string>, codec: string): string {
  const needed = codecs.get(codec);
  if (needed === undefined) throw new CleaningRefusal("unsupported");
  return needed;
}

// --- boxes of a fixed shape ----------------------------------------------------------------------

/** What the numbers of a picture's colours mean, by one of the standards' lists; no profile. */
export function readColours(content: Uint8Array): Uint8Array | undefined {
  if (startsWith(content, "nclx") && content.length === 11) {
    return join(content.subarray(0, 10), (content[10] as number) & 0x80);
  }
  return startsWith(content, "nclc") && content.length === 10 ? content : undefined;
}

/** A reader of a box that has one length. */
export function takeExactly(lengthBytes: number): ShapeReader {
  return (content) => (content.length === lengthBytes ? content : undefined);
}

function readEndian(content: Uint8Array): Uint8Array | undefined {
  const isKnown = content.length === 2 && content[0] === 0 && (content[1] as number) <= 1;
  return isKnown ? content : undefined;
}

/** Which channel is where, if it is told by a number and not by words. */
function readLayout(content: Uint8Array): Uint8Array | undefined {
  if (content.length !== 16 || !isZero(content.subarray(12))) return undefined;
  return join(new Uint8Array(4), content.subarray(4));
}

interface PlainSound {
  readonly version: number;
  readonly channels: number;
  readonly bits: number;
  readonly more: Uint8Array;
}

/** How many samples of plain sound are how many bytes. */
function findPacket(codec: string, sound: PlainSound): Packet | undefined {
  const { version, channels, more } = sound;
  const plainBits = PLAIN_BITS.get(codec);
  if (plainBits === undefined) return undefined;
  if (version === 1 && more.length === 16) {
    const packet = { samples: bigEndian(more, 0, 4), bytes: bigEndian(more, 8, 4) };
    if (packet.samples && packet.bytes) return packet;
  }
  if (version === 2) {
    const packet = { samples: bigEndian(more, 32, 4), bytes: bigEndian(more, 28, 4) };
    return packet.samples && packet.bytes ? packet : undefined;
  }
  const frameBits = channels * (plainBits ?? sound.bits);
  return frameBits >= 8 ? { samples: 1, bytes: Math.floor(frameBits / 8) } : undefined;
}

const PICTURE_BOXES: ShapeReaders = new Map([
  ["pasp", takeExactly(8)],
  ["colr", readColours],
  ["clap", takeExactly(32)],
  ["fiel", takeExactly(2)],
  ["mdcv", takeExactly(24)],
  ["clli", takeExactly(4)],
]);
const WAVE_BOXES: ShapeReaders = new Map([["enda", readEndian]]);
const SOUND_BOXES: ShapeReaders = new Map([["chan", readLayout]]);
