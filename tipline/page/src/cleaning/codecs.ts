// What a decoder must know of a codec before the first sample: of each the exact shape.
//
// Every function takes the content of a box, untrusted, and returns it as it is kept, or throws a
// `CleaningRefusal`. Nothing hides behind a table. What is not needed goes: parameter sets of kinds
// that only tell, texts, the names of makers.

import { Cursor, formatBox } from "./boxes.js";
import { bigEndian, type Bytes, encodeBigEndian, join } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { filterHeaders } from "./obus.js";
import { filterUserData } from "./startcodes.js";

const HIGH_PROFILES: readonly number[] = [100, 110, 122, 144, 244, 44, 83, 86, 118, 128];
const AVC_SEQUENCE = 7;
const AVC_PICTURE = 8;
const AVC_EXTENSION = 13;
const HEVC_PARAMETERS: readonly number[] = [32, 33, 34];
const VISUAL = 0x20;
const AAC: readonly number[] = [0x40, 0x66, 0x67, 0x68];
const MAX_AAC_BYTES = 64; // of its configuration; a phone writes two to five
const CHANNELS_IN_TEXT = 0; // the layout stands in an element that may hold a comment
const AAC_RAW_TYPES: readonly number[] = [1, 2, 3, 4, 5, 29]; // with frames as `fills` knows them

/** A codec's configuration as it is kept. */
export interface Config {
  readonly name: string;
  readonly content: Bytes;
  /** Of the length before each unit of a sample (H.264, HEVC). */
  readonly lengthBytes?: number;
  /** MPEG-4 of part 2, whose samples may hold texts. */
  readonly isVisual?: boolean;
  /** AAC, whose frames may begin with fill. */
  readonly hasFills?: boolean;
  /** H.264 or HEVC with marks before its units, and parameter sets among them. */
  readonly isStream?: boolean;
}

/** Write the box of a configuration. */
export function formatConfig({ name, content }: Config): Bytes {
  return formatBox(name, content);
}

/** avcC: H.264's parameter sets (ISO/IEC 14496-15, 5.3.3). */
export function readAvc(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  const head = cursor.take(5);
  const flags = head[4] as number;
  const kept: (Uint8Array | number)[] = [head.subarray(0, 4), flags | 0xfc];
  const sets = cursor.number(1) & 31;
  kept.push(0xe0 | sets, ...takeUnits(cursor, sets, (head) => (head & 31) === AVC_SEQUENCE));
  const pictures = cursor.number(1);
  kept.push(pictures, ...takeUnits(cursor, pictures, (head) => (head & 31) === AVC_PICTURE));
  if (HIGH_PROFILES.includes(head[1] as number) && cursor.left > 0) {
    const formats = cursor.take(3) as Uint8Array & { 0: number; 1: number; 2: number };
    const extensions = cursor.number(1);
    kept.push(formats[0] | 0xfc, formats[1] | 0xf8, formats[2] | 0xf8, extensions);
    kept.push(...takeUnits(cursor, extensions, (head) => (head & 31) === AVC_EXTENSION));
  }
  cursor.finish();
  if (head[0] !== 1 || (flags & 3) === 2) throw new CleaningRefusal("malformed");
  return { name: "avcC", content: join(...kept), lengthBytes: (flags & 3) + 1 };
}

/** Units, each of which says itself that it is of the kind of its list. */
function takeUnits(cursor: Cursor, count: number, isKind: (head: number) => boolean): Uint8Array[] {
  const kept: Uint8Array[] = [];
  for (let number = 0; number < count; number++) {
    const length = cursor.take(2);
    const unit = cursor.take(bigEndian(length, 0, 2));
    if (!isKind(unit[0] ?? 0)) throw new CleaningRefusal("malformed");
    kept.push(length, unit);
  }
  return kept;
}

/** hvcC: HEVC's parameter sets (ISO/IEC 14496-15, 8.3.3); those that only tell go. */
export function readHevc(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  const head = cursor.take(22);
  const kept: Bytes[] = [];
  const arrays = cursor.number(1);
  for (let number = 0; number < arrays; number++) {
    const kind = cursor.number(1);
    const count = cursor.number(2);
    const isKept = HEVC_PARAMETERS.includes(kind & 63);
    // What goes need not be what it says.
    const isKind = (head: number): boolean => !isKept || ((head >> 1) & 63) === (kind & 63);
    const units = takeUnits(cursor, count, isKind);
    if (isKept) {
      kept.push(join(kind & 0xbf, encodeBigEndian(count, 2), ...units));
    }
  }
  cursor.finish();
  const flags = head[21] as number;
  if (head[0] !== 1 || (flags & 3) === 2) throw new CleaningRefusal("malformed");
  return {
    name: "hvcC",
    content: join(head, kept.length, ...kept),
    lengthBytes: (flags & 3) + 1,
  };
}

/** av1C: four bytes and AV1's sequence header (AV1-ISOBMFF, 2.3). */
export function readAv1(content: Uint8Array): Config {
  if (content.length < 4 || content[0] !== 0x81) throw new CleaningRefusal("malformed");
  const headers = filterHeaders(content.subarray(4));
  return { name: "av1C", content: join(content.subarray(0, 4), headers) };
}

/** vpcC: VP8's or VP9's profile and colours, twelve bytes. */
function readVp9(content: Uint8Array): Config {
  const isKnown = content.length === 12 && content[0] === 1;
  if (!isKnown || content[10] || content[11]) throw new CleaningRefusal("malformed");
  return { name: "vpcC", content: join(content) };
}

/** d263: level and profile; the maker's name and the bit rates go. */
function readH263(content: Uint8Array): Config {
  if (content.length < 7) throw new CleaningRefusal("malformed");
  return { name: "d263", content: join(new Uint8Array(5), content.subarray(5, 7)) };
}

/** damr: which modes there are; the maker's name goes. */
function readAmr(content: Uint8Array): Config {
  if (content.length !== 9) throw new CleaningRefusal("malformed");
  return { name: "damr", content: join(new Uint8Array(5), content.subarray(5)) };
}

/** dOps: eleven bytes, and a table for more than two channels. */
function readOpus(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  const head = cursor.take(11);
  const table = head[10] === 0 ? "" : cursor.take(2 + (head[1] as number));
  cursor.finish();
  return { name: "dOps", content: join(head, table) };
}

/** dfLa: of FLAC's blocks the first, which describes the stream; the others go. */
function readFlac(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  if (cursor.number(4) !== 0 || cursor.number(4) % 2 ** 31 !== 34) {
    throw new CleaningRefusal("malformed");
  }
  return { name: "dfLa", content: join("\0\0\0\0\x80\0\0\x22", cursor.take(34)) };
}

/** dec3: for each substream three bytes, or four with others below it. */
function readEc3(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  const kept = [cursor.take(2)];
  const streams = ((kept[0]?.[1] as number) & 7) + 1;
  for (let number = 0; number < streams; number++) {
    const stream = cursor.take(3);
    kept.push(stream);
    if ((stream[2] as number) & 0x1e) kept.push(cursor.take(1));
  }
  if (cursor.left === 2) kept.push(cursor.take(2)); // Atmos: that there is some, and how complex
  cursor.finish();
  return { name: "dec3", content: join(...kept) };
}

/** A configuration that is kept as it is, if it has one of these lengths. */
function readPlain(name: string, ...lengths: readonly number[]): (content: Uint8Array) => Config {
  return (content) => {
    if (!lengths.includes(content.length)) throw new CleaningRefusal("malformed");
    return { name, content: join(content) };
  };
}

/**
 * esds: MPEG-4's descriptors (ISO/IEC 14496-1, 7.2.6), of which three are written anew.
 *
 * Others than MPEG-4's and MPEG-2's AAC and MPEG-4's video are "unsupported": their configurations
 * or samples hold texts of their own.
 */
function readEsds(content: Uint8Array): Config {
  const cursor = new Cursor(content);
  if (cursor.number(4) !== 0) throw new CleaningRefusal("malformed");
  const stream = takeDescriptor(cursor, 3);
  stream.take(2);
  if (stream.number(1) & 0xe0) throw new CleaningRefusal("unsupported");
  const decoder = takeDescriptor(stream, 4);
  const head = decoder.take(13);
  const kind = head[0] as number;
  if (kind !== VISUAL && !AAC.includes(kind)) throw new CleaningRefusal("unsupported");
  const specific = takeDescriptor(decoder, 5);
  let config = specific.take(specific.left);
  if (kind === VISUAL) config = filterUserData(config);
  else readAac(config);
  const inner = join(head, formatDescriptor(5, config));
  const synchronisation = formatDescriptor(6, Uint8Array.of(2));
  const outer = join("\0\0\0", formatDescriptor(4, inner), synchronisation);
  return {
    name: "esds",
    content: join("\0\0\0\0", formatDescriptor(3, outer)),
    isVisual: kind === VISUAL,
    hasFills: kind !== VISUAL && readAac(config).hasFills === true,
  };
}

function takeDescriptor(cursor: Cursor, tag: number): Cursor {
  if (cursor.number(1) !== tag) throw new CleaningRefusal("malformed");
  let length = 0;
  for (let count = 0; count < 4; count++) {
    const byte = cursor.number(1);
    length = (length << 7) | (byte & 127);
    if (byte < 128) return new Cursor(cursor.take(length));
  }
  throw new CleaningRefusal("malformed");
}

function formatDescriptor(tag: number, content: Uint8Array): Bytes {
  const length = content.length;
  if (length >= 1 << 14) throw new CleaningRefusal("too-complex");
  return join(tag, 0x80 | (length >> 7), length & 127, content);
}

/** AAC's configuration, as it stands in `esds` and alone in Matroska. */
export function readAac(config: Uint8Array): Config {
  if (config.length < 2 || config.length > MAX_AAC_BYTES) throw new CleaningRefusal("malformed");
  const read = (at: number, count: number): number => {
    let number = 0;
    for (let bit = at; bit < at + count; bit++) {
      number = 2 * number + (((config[bit >> 3] ?? 0) >> (7 - (bit % 8))) & 1);
    }
    return number;
  };
  // With an explicit rate the channels stand 24 bits later.
  const channels = read(read(5, 4) === 15 ? 33 : 9, 4);
  const hasFills = AAC_RAW_TYPES.includes(read(0, 5));
  if (channels === CHANNELS_IN_TEXT && hasFills) throw new CleaningRefusal("unsupported");
  return { name: "", content: join(config), hasFills };
}

/** By the name of a configuration's box. */
export const READERS: ReadonlyMap<string, (content: Uint8Array) => Config> = new Map([
  ["avcC", readAvc],
  ["hvcC", readHevc],
  ["av1C", readAv1],
  ["vpcC", readVp9],
  ["d263", readH263],
  ["esds", readEsds],
  ["damr", readAmr],
  ["alac", readPlain("alac", 28, 52)],
  ["dOps", readOpus],
  ["dfLa", readFlac],
  ["dac3", readPlain("dac3", 3)],
  ["dec3", readEc3],
  ["pcmC", readPlain("pcmC", 6)],
]);
