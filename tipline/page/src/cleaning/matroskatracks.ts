// The tracks of WebM and Matroska (RFC 9559, 5.1.4): pictures and sound, in codecs on a written list.
//
// A track is written anew from the numbers that a decoder needs. Its UID is its number, its language
// `und`; it has no name. What its codec must know has the exact shape that the codec gives it.

import { bigEndian, type Bytes, isSame, join, startsWith, textOf } from "./bytes.js";
import { type Config, readAac, readAv1, readAvc, readHevc } from "./codecs.js";
import {
  checkFloat,
  type Elements,
  formatElement,
  formatNumber,
  listElements,
  listNamed,
  readNumber,
  trimZeros,
} from "./ebml.js";
import { CleaningRefusal } from "./errors.js";
import {
  BLOCK_HEAD_BYTES,
  BLOCK_TYPE,
  checkStreaminfo,
  findBlockKinds,
  LAST_BLOCK,
  STREAMINFO,
  STREAMINFO_BYTES,
} from "./flacblocks.js";
import { readIdentification } from "./oggstreams.js";
import type { Kind } from "./plan.js";
import type { Coding } from "./samples.js";
import { filterUserData } from "./startcodes.js";

const MAX_TRACKS = 64;
const MAX_TRACK_NUMBER = 126; // so that a block says it in one byte
const VIDEO_TRACK = 1;
const AUDIO_TRACK = 2;
const SUBTITLES = 17;
const ENTRY = 0xae;
const NUMBER = 0xd7;
const UID = 0x73c5;
const TYPE = 0x83;
const NAME = 0x536e;
const LANGUAGE = 0x22b59c;
const CODEC = 0x86;
const MAX_CODEC_BYTES = 32;
const PRIVATE = 0x63a2;
const CODEC_NAME = 0x258688;
const VIDEO = 0xe0;
const AUDIO = 0xe1;
const ALPHA = 0x53c0;
const ADDITIONS = 0x55ee; // how many kinds of them blocks have at most
const ALPHA_CODECS: readonly string[] = ["V_VP8", "V_VP9"];
const COLOUR = 0x55b0;
const MASTERING = 0x55d0;
const PROJECTION = 0x7670;
const PROJECTION_TYPE = 0x7671;
// Compressed or encrypted, put together of others, moved in time, played at another speed.
const REFUSED = [0x6d80, 0xe2, 0x537f];
const SPEED = 0x23314f;
const NORMAL_SPEEDS = ["\x3f\x80\0\0", "\x3f\xf0\0\0\0\0\0\0"];
// Enabled, default, forced, laced; how long a sample lasts, and a field.
const BEFORE_CODEC = [0xb9, 0x88, 0x55aa, 0x9c, 0x23e383, 0x234e7a];
const BEHIND_CODEC = [0x56aa, 0x56bb]; // the coder's delay, and what must be decoded before
// Interlaced, order of fields, for two eyes, width, height, what is cut off, shown width and height.
const VIDEO_NUMBERS = [
  ...[0x9a, 0x9d, 0x53b8, 0xb0, 0xba],
  ...[0x54aa, 0x54bb, 0x54cc, 0x54dd, 0x54b0, 0x54ba, 0x54b2],
];
const COLOUR_NUMBERS = count(0x55b1, 0x55be);
const MASTERING_FLOATS = count(0x55d1, 0x55db);
const POSE_FLOATS = [0x7673, 0x7674, 0x7675];
const RATE_FLOATS = [0xb5, 0x78b5];
const AUDIO_NUMBERS = [0x9f, 0x6264]; // channels, bits
const OPUS = "OpusHead";
const VORBIS = "\x01vorbis";
const VORBIS_PACKETS = 3;
const FLAC = "fLaC";
const VP9_FEATURES: readonly number[] = [1, 2, 3, 4]; // profile, level, bits, colours in fewer places
const ALAC_BYTES: readonly number[] = [24, 48];
const LACED = 255;
const HEVC = "V_MPEGH/ISO/HEVC";
const AV1 = "V_AV1";

/** A track that is kept. */
export interface Track extends Coding {
  /** By which blocks name it. */
  readonly number: number;
  readonly isVideo: boolean;
  /**
   * What may be seen through stands beside its blocks, if it does. Browsers say so of whatever they
   * record.
   */
  readonly hasAlpha: boolean;
  /** It stays: it is coded as the pictures are. */
  readonly keepsAlpha: boolean;
  /** As it is written. */
  readonly entry: Bytes;
}

/** Read the tracks that are kept. `found` takes the kinds of what goes. */
export function readTracks(data: Uint8Array, found: Set<Kind>): Track[] {
  const tracks: Track[] = [];
  const numbers = new Set<number>();
  for (const [name, content] of listElements(data)) {
    if (name !== ENTRY) continue;
    const named = listNamed(content);
    const number = readNumber(named.get(NUMBER));
    if (number === 0 || numbers.has(number)) throw new CleaningRefusal("malformed");
    numbers.add(number);
    if (numbers.size > MAX_TRACKS) throw new CleaningRefusal("too-complex");
    const kind = readNumber(named.get(TYPE));
    if (kind === VIDEO_TRACK || kind === AUDIO_TRACK) {
      tracks.push(readTrack(number, named, kind === VIDEO_TRACK, found));
    } else {
      found.add(kind === SUBTITLES ? "text" : "other");
    }
  }
  if (tracks.length === 0) throw new CleaningRefusal("malformed");
  return tracks;
}

function readTrack(number: number, named: Elements, isVideo: boolean, found: Set<Kind>): Track {
  const speed = named.get(SPEED);
  if (
    number > MAX_TRACK_NUMBER ||
    REFUSED.some((refused) => named.has(refused)) ||
    (speed !== undefined && !NORMAL_SPEEDS.some((normal) => isSame(speed, join(normal))))
  ) {
    throw new CleaningRefusal("unsupported");
  }
  const uid = named.get(UID);
  if (uid === undefined || bigEndian(uid, 0, uid.length) !== number) found.add("id");
  if (named.get(NAME)?.length) found.add("text");
  if (named.get(CODEC_NAME)?.length) found.add("software");
  const name = trimZeros(named.get(CODEC) ?? join());
  const codec = textOf(name.subarray(0, MAX_CODEC_BYTES));
  const readers = isVideo ? VIDEO_CODECS : AUDIO_CODECS;
  const read = readers.get(codec);
  if (read === undefined || name.length > MAX_CODEC_BYTES) throw new CleaningRefusal("unsupported");
  const video = listNamed((isVideo && named.get(VIDEO)) || join());
  const config = read(named.get(PRIVATE) ?? join(), found);
  const hasAlpha = readNumber(video.get(ALPHA)) !== 0;
  const keepsAlpha = hasAlpha && ALPHA_CODECS.includes(codec);
  const entry = formatElement(
    ENTRY,
    formatNumber(NUMBER, number),
    formatNumber(UID, number),
    formatNumber(TYPE, isVideo ? VIDEO_TRACK : AUDIO_TRACK),
    formatNumbers(named, BEFORE_CODEC),
    keepsAlpha ? formatNumber(ADDITIONS, 1) : "",
    formatElement(LANGUAGE, "und"),
    formatElement(CODEC, codec),
    config?.content.length ? formatElement(PRIVATE, config.content) : "",
    formatNumbers(named, BEHIND_CODEC),
    isVideo ? formatVideo(video, keepsAlpha) : formatAudio(named),
  );
  const coding = { isHevc: codec === HEVC, isAv1: codec === AV1, config };
  return { number, isVideo, hasAlpha, keepsAlpha, ...coding, entry };
}

function formatNumbers(named: Elements, numbers: readonly number[]): Bytes {
  return join(
    ...numbers.map((number) => {
      const content = named.get(number);
      return content === undefined ? "" : formatNumber(number, readNumber(content));
    }),
  );
}

function formatFloats(named: Elements, numbers: readonly number[]): Bytes {
  return join(
    ...numbers.map((number) => {
      const content = named.get(number);
      return content?.length ? formatElement(number, checkFloat(content)) : "";
    }),
  );
}

function formatVideo(video: Elements, keepsAlpha: boolean): Bytes {
  const parts = [formatNumbers(video, VIDEO_NUMBERS)];
  if (keepsAlpha) parts.push(formatNumber(ALPHA, 1));
  const colour = video.get(COLOUR);
  if (colour !== undefined) {
    const told = listNamed(colour);
    const numbers = formatNumbers(told, COLOUR_NUMBERS);
    const mastering = told.get(MASTERING);
    const brightness =
      mastering === undefined
        ? ""
        : formatElement(MASTERING, formatFloats(listNamed(mastering), MASTERING_FLOATS));
    parts.push(formatElement(COLOUR, numbers, brightness));
  }
  const projection = video.get(PROJECTION);
  if (projection !== undefined) {
    const told = listNamed(projection);
    if (readNumber(told.get(PROJECTION_TYPE)) !== 0) throw new CleaningRefusal("unsupported");
    parts.push(formatElement(PROJECTION, formatFloats(told, POSE_FLOATS)));
  }
  return formatElement(VIDEO, ...parts);
}

function formatAudio(named: Elements): Bytes {
  const audio = listNamed(named.get(AUDIO) ?? join());
  return formatElement(
    AUDIO,
    formatFloats(audio, RATE_FLOATS),
    formatNumbers(audio, AUDIO_NUMBERS),
  );
}

/** The numbers from the first to the one before `end`. */
function count(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

type Reader = (untrusted: Uint8Array, found: Set<Kind>) => Config | undefined;

function makeConfig(content: Bytes): Config {
  return { name: "", content };
}

function readNothing(): undefined {
  return undefined;
}

function readVisual(untrusted: Uint8Array, found: Set<Kind>): Config {
  const content = filterUserData(untrusted);
  if (!isSame(content, untrusted)) found.add("software");
  return { name: "", content, isVisual: true };
}

/** VP9's features: each a number, a length of one, a value. */
function readVp9(untrusted: Uint8Array): Config {
  if (untrusted.length > 3 * VP9_FEATURES.length || untrusted.length % 3) {
    throw new CleaningRefusal("malformed");
  }
  for (let at = 0; at < untrusted.length; at += 3) {
    if (!VP9_FEATURES.includes(untrusted[at] as number) || untrusted[at + 1] !== 1) {
      throw new CleaningRefusal("malformed");
    }
  }
  return makeConfig(join(untrusted));
}

function readOpus(untrusted: Uint8Array): Config {
  if (!startsWith(untrusted, OPUS)) throw new CleaningRefusal("malformed");
  return makeConfig(readIdentification(join(untrusted)).identification);
}

/** Vorbis's three packets, one behind the other; the comments become empty. */
function readVorbis(untrusted: Uint8Array, found: Set<Kind>): Config {
  const [identification, comments, setup] = splitPackets(untrusted);
  if (!startsWith(identification, VORBIS)) throw new CleaningRefusal("malformed");
  const stream = readIdentification(identification);
  for (const kind of stream.readHeader(0, comments).kinds) found.add(kind);
  const kept = stream.readHeader(1, setup).kept ?? join();
  const first = stream.identification;
  const second = stream.comments;
  return makeConfig(join(VORBIS_PACKETS - 1, first.length, second.length, first, second, kept));
}

function splitPackets(untrusted: Uint8Array): readonly [Bytes, Bytes, Bytes] {
  if (untrusted[0] !== VORBIS_PACKETS - 1) throw new CleaningRefusal("malformed");
  let at = 1;
  const readSize = (): number => {
    let size = 0;
    for (; untrusted[at] === LACED; at++) size += LACED;
    return size + (untrusted[at++] ?? 0);
  };
  const first = readSize();
  const second = readSize();
  const middle = at + first;
  const last = middle + second;
  if (last > untrusted.length) throw new CleaningRefusal("malformed");
  return [
    join(untrusted.subarray(at, middle)),
    join(untrusted.subarray(middle, last)),
    join(untrusted.subarray(last)),
  ];
}

/** FLAC's blocks; the first, which describes the stream, stays. */
function readFlac(untrusted: Uint8Array, found: Set<Kind>): Config {
  if (!startsWith(untrusted, FLAC)) throw new CleaningRefusal("malformed");
  let info: Uint8Array | undefined;
  for (let at = FLAC.length; at < untrusted.length;) {
    const mark = untrusted[at] as number;
    const start = at + BLOCK_HEAD_BYTES;
    at = start + bigEndian(untrusted, start - 3, 3);
    if (at > untrusted.length) throw new CleaningRefusal("malformed");
    const content = untrusted.subarray(start, at);
    if (info === undefined) {
      if ((mark & BLOCK_TYPE) !== STREAMINFO || content.length !== STREAMINFO_BYTES) {
        throw new CleaningRefusal("malformed");
      }
      checkStreaminfo(content);
      info = content;
    } else {
      for (const kind of findBlockKinds(mark, content)) found.add(kind);
    }
    if (mark & LAST_BLOCK) break;
  }
  if (info === undefined) throw new CleaningRefusal("malformed");
  return makeConfig(join(FLAC, LAST_BLOCK | STREAMINFO, 0, 0, STREAMINFO_BYTES, info));
}

function readAlac(untrusted: Uint8Array): Config {
  if (!ALAC_BYTES.includes(untrusted.length)) throw new CleaningRefusal("malformed");
  return makeConfig(join(untrusted));
}

function asInFilms(read: (untrusted: Uint8Array) => Config): Reader {
  return (untrusted, found) => {
    const config = read(untrusted);
    if (!isSame(config.content, untrusted)) found.add("other");
    return config;
  };
}

/** What units need; where nothing is told, they have marks, and tell it themselves. */
function asUnits(read: (untrusted: Uint8Array) => Config): Reader {
  const readPrivate = asInFilms(read);
  return (untrusted, found) =>
    untrusted.length > 0
      ? readPrivate(untrusted, found)
      : { name: "", content: new Uint8Array(0), isStream: true };
}

const VIDEO_CODECS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["V_VP8", readNothing],
  ["V_VP9", readVp9],
  [AV1, asInFilms(readAv1)],
  ["V_MPEG4/ISO/AVC", asUnits(readAvc)],
  [HEVC, asUnits(readHevc)],
  ["V_MPEG4/ISO/SP", readVisual],
  ["V_MPEG4/ISO/ASP", readVisual],
  ["V_MPEG4/ISO/AP", readVisual],
]);
const AUDIO_CODECS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["A_OPUS", readOpus],
  ["A_VORBIS", readVorbis],
  ["A_FLAC", readFlac],
  ["A_AAC", asInFilms(readAac)],
  ["A_ALAC", readAlac],
  ["A_AC3", readNothing],
  ["A_EAC3", readNothing],
  ["A_PCM/INT/LIT", readNothing],
  ["A_PCM/INT/BIG", readNothing],
  ["A_PCM/FLOAT/IEEE", readNothing],
]);
