// The first frame of an MP3, where it is a table of contents in place of sound: Xing, Info, VBRI.
//
// tipline/cleaning/mp3contents.py does the same in Python.

import { bigEndian, type Bytes, encodeBigEndian, join, startsWith } from "./bytes.js";
import { HEAD_BYTES, type Head } from "./mp3frames.js";

// No name, but a mark behind which players read the samples.
const PROGRAM = "Lavf\0\0\0\0\0";

const MARKS = ["Xing", "Info"];
const MARK_BYTES = 4;
const FLAGS_BYTES = 4;
const FIELDS = [
  [1, 4],
  [2, 4],
  [4, 100],
] as const; // by flag: frames, bytes, table
const QUALITY_FLAG = 8;
const QUALITY_BYTES = 4;
const PROGRAMS = ["LAME", "Lavf", "Lavc"];
const ADDED_BYTES = 36;
const SAMPLES_AT = 21; // before and behind the sound
const SAMPLES_END = 24;
const SUM_BYTES = 2;
const VBRI = "VBRI";
const VBRI_AT = HEAD_BYTES + 32;
const VBRI_BYTES = 26;

/** What a table of contents is written as, of the same length; undefined if the frame is sound. */
export function cleanContents(head: Head, frame: Bytes): Bytes | undefined {
  const markAt = HEAD_BYTES + head.sideBytes;
  const mark = frame.subarray(markAt);
  if (MARKS.some((known) => startsWith(mark, known))) return cleanXing(frame, markAt);
  if (startsWith(frame.subarray(VBRI_AT), VBRI)) return cleanVbri(frame);
  return undefined;
}

function cleanXing(frame: Bytes, markAt: number): Bytes | undefined {
  const flagsAt = markAt + MARK_BYTES;
  const fieldsAt = flagsAt + FLAGS_BYTES;
  const flags = bigEndian(frame, flagsAt, FLAGS_BYTES);
  let end = fieldsAt;
  for (const [flag, length] of FIELDS) if (flags & flag) end += length;
  let cleaned = join(
    frame.subarray(0, HEAD_BYTES),
    new Uint8Array(markAt - HEAD_BYTES),
    frame.subarray(markAt, flagsAt),
    encodeBigEndian(flags & 15, FLAGS_BYTES),
    frame.subarray(fieldsAt, end),
  );
  if (flags & QUALITY_FLAG) {
    end += QUALITY_BYTES;
    cleaned = join(cleaned, new Uint8Array(QUALITY_BYTES));
  }
  const added = frame.subarray(end, end + ADDED_BYTES);
  const isKnown = PROGRAMS.some((program) => startsWith(added, program));
  if (isKnown && added.length === ADDED_BYTES) {
    cleaned = join(
      cleaned,
      PROGRAM,
      new Uint8Array(SAMPLES_AT - PROGRAM.length),
      added.subarray(SAMPLES_AT, SAMPLES_END),
      new Uint8Array(ADDED_BYTES - SAMPLES_END - SUM_BYTES),
    );
    cleaned = join(cleaned, encodeBigEndian(computeSum(cleaned), SUM_BYTES));
  }
  return fillUp(cleaned, frame.length);
}

function cleanVbri(frame: Bytes): Bytes | undefined {
  const entryCount = bigEndian(frame, VBRI_AT + 18, 2);
  const entryBytes = bigEndian(frame, VBRI_AT + 22, 2);
  const end = VBRI_AT + VBRI_BYTES + entryCount * entryBytes;
  if (end > frame.length) return undefined;
  // The version of the format and of the delay stay, the quality does not.
  const cleaned = join(
    frame.subarray(0, HEAD_BYTES),
    new Uint8Array(VBRI_AT - HEAD_BYTES),
    frame.subarray(VBRI_AT, VBRI_AT + 8),
    "\0\0",
    frame.subarray(VBRI_AT + 10, end),
  );
  return fillUp(cleaned, frame.length);
}

function fillUp(data: Bytes, lengthBytes: number): Bytes | undefined {
  if (data.length > lengthBytes) return undefined;
  return join(data, new Uint8Array(lengthBytes - data.length));
}

/** The sum that LAME writes behind what it adds: CRC-16, 8005 mirrored, beginning with 0. */
function computeSum(data: Uint8Array): number {
  let register = 0;
  for (const byte of data) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) register = (register >> 1) ^ (register & 1 ? 0xa001 : 0);
  }
  return register;
}
