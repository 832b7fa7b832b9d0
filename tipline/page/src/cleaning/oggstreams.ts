// The streams of sound that Ogg carries, and what stands before the sound in each.
//
// tipline/cleaning/oggstreams.py keeps the same rules in Python.

import { bigEndian, type Bytes, isSame, join, littleEndian, startsWith } from "./bytes.js";
import { EMPTY_COMMENTS, findCommentKinds } from "./comments.js";
import { CleaningRefusal } from "./errors.js";
import {
  BLOCK_HEAD_BYTES,
  BLOCK_TYPE,
  checkStreaminfo,
  COMMENTS,
  findBlockKinds,
  LAST_BLOCK,
  STREAMINFO_BYTES,
} from "./flacblocks.js";
import type { Kind } from "./plan.js";

const OPUS = "OpusHead";
const OPUS_COMMENTS = "OpusTags";
const OPUS_BYTES = 19;
const OPUS_FAMILIES = [1, 255]; // that have a table of channels
const VORBIS = "\x01vorbis";
const VORBIS_COMMENTS = "\x03vorbis";
const VORBIS_SETUP = "\x05vorbis";
const VORBIS_FRAMING = 1;
const VORBIS_BYTES = 30;
const SPEEX = "Speex   ";
const SPEEX_BYTES = 80;
const SPEEX_VERSION_END = 28;
const SPEEX_RESERVED = 72;
const FLAC = "\x7fFLAC\x01\x00";
const FLAC_INFO = "fLaC\x00\x00\x00\x22";
const FLAC_BYTES = 51;

/** A later packet before the sound: what is kept of it, its kinds, whether it is the last one. */
interface Header {
  readonly kept: Bytes | undefined;
  readonly kinds: readonly Kind[];
  readonly isLast: boolean;
}

/** A stream whose first packet was read. */
export interface Stream {
  /** The first packet, as it is written. */
  readonly identification: Bytes;
  /** The second packet, as it is written. */
  readonly comments: Bytes;
  /** What was found in the first packet. */
  readonly kinds: readonly Kind[];
  /** Read a later packet, or its beginning if it is long. Its number counts from 0. */
  readonly readHeader: (number: number, untrusted: Bytes) => Header;
}

/** Read the first packet of a stream. */
export function readIdentification(untrusted: Bytes): Stream {
  for (const [signature, read] of READERS) {
    if (startsWith(untrusted, signature)) return read(untrusted);
  }
  throw new CleaningRefusal("unsupported");
}

function readOpus(packet: Bytes): Stream {
  if (packet.length < OPUS_BYTES) throw new CleaningRefusal("malformed");
  if ((packet[8] as number) >> 4) throw new CleaningRefusal("unsupported"); // another version
  const channelCount = packet[9] as number;
  const family = packet[18] as number;
  if (family !== 0 && !OPUS_FAMILIES.includes(family)) throw new CleaningRefusal("unsupported");
  const length = family === 0 ? OPUS_BYTES : OPUS_BYTES + 2 + channelCount;
  if (packet.length !== length || channelCount === 0 || (family === 0 && channelCount > 2)) {
    throw new CleaningRefusal("malformed");
  }
  return {
    identification: packet,
    comments: join(OPUS_COMMENTS, EMPTY_COMMENTS),
    kinds: [],
    readHeader: (_, later) => dropComments(later, join(OPUS_COMMENTS), join(), true),
  };
}

function readVorbis(packet: Bytes): Stream {
  const blocks = packet[28] as number;
  const canBe = (block: number) => 6 <= block && block <= 13; // powers of two
  if (
    packet.length !== VORBIS_BYTES ||
    bigEndian(packet, 7, 4) !== 0 ||
    packet[11] === 0 ||
    bigEndian(packet, 12, 4) === 0 ||
    !canBe(blocks >> 4) ||
    !canBe(blocks & 15) ||
    packet[29] !== VORBIS_FRAMING
  ) {
    throw new CleaningRefusal("malformed");
  }
  return {
    identification: packet,
    comments: join(VORBIS_COMMENTS, EMPTY_COMMENTS, VORBIS_FRAMING),
    kinds: [],
    readHeader: (number, later) => {
      if (number === 0) {
        return dropComments(later, join(VORBIS_COMMENTS), join(VORBIS_FRAMING), false);
      }
      if (!startsWith(later, VORBIS_SETUP)) throw new CleaningRefusal("malformed");
      return { kept: later, kinds: [], isLast: true };
    },
  };
}

function readSpeex(packet: Bytes): Stream {
  if (packet.length !== SPEEX_BYTES) throw new CleaningRefusal("malformed");
  const field = (index: number) => littleEndian(packet, SPEEX_VERSION_END + 4 * index, 4) | 0; // with a sign
  if (field(10) !== 0) throw new CleaningRefusal("unsupported"); // more packets before the sound
  const [size, rateHz, mode] = [field(1), field(2), field(3)] as const;
  const [channelCount, sampleCount, frameCount] = [field(5), field(7), field(9)] as const;
  if (
    size !== SPEEX_BYTES ||
    rateHz <= 0 ||
    mode < 0 ||
    mode > 2 ||
    (channelCount !== 1 && channelCount !== 2) ||
    sampleCount < 1 ||
    frameCount < 1
  ) {
    throw new CleaningRefusal("malformed");
  }
  const kept = packet.slice();
  kept.fill(0, SPEEX.length, SPEEX_VERSION_END);
  kept.fill(0, SPEEX_RESERVED);
  const version = packet.subarray(SPEEX.length, SPEEX_VERSION_END);
  return {
    identification: kept,
    comments: join(EMPTY_COMMENTS),
    kinds: version.some((byte) => byte !== 0) ? ["software"] : [],
    readHeader: (_, later) => dropComments(later, join(), join(), true),
  };
}

function readFlac(packet: Bytes): Stream {
  if (packet.length !== FLAC_BYTES || !startsWith(packet.subarray(9), FLAC_INFO)) {
    throw new CleaningRefusal("malformed");
  }
  checkStreaminfo(packet.subarray(FLAC_BYTES - STREAMINFO_BYTES));
  return {
    // One packet follows: comments.
    identification: join(FLAC, 0, 1, packet.subarray(9)),
    comments: join(LAST_BLOCK | COMMENTS, 0, 0, EMPTY_COMMENTS.length, EMPTY_COMMENTS),
    kinds: [],
    readHeader: (number, later) => {
      const mark = later[0] as number;
      const areComments = (mark & BLOCK_TYPE) === COMMENTS;
      if (later.length < BLOCK_HEAD_BYTES || areComments !== (number === 0)) {
        throw new CleaningRefusal("malformed");
      }
      const kinds = findBlockKinds(mark, later.subarray(BLOCK_HEAD_BYTES));
      return { kept: undefined, kinds, isLast: (mark & LAST_BLOCK) !== 0 };
    },
  };
}

function dropComments(packet: Bytes, before: Bytes, behind: Bytes, isLast: boolean): Header {
  if (!startsWith(packet, before)) throw new CleaningRefusal("malformed");
  const isEmpty = isSame(packet, join(before, EMPTY_COMMENTS, behind));
  const kinds = isEmpty ? [] : findCommentKinds(packet.subarray(before.length));
  return { kept: undefined, kinds, isLast };
}

const READERS: readonly [string, (packet: Bytes) => Stream][] = [
  [OPUS, readOpus],
  [VORBIS, readVorbis],
  [SPEEX, readSpeex],
  [FLAC, readFlac],
];
