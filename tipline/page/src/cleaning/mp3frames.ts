// Frames of MP3 (ISO/IEC 11172-3 and 13818-3, layer III): heads, and where a frame's sound lies.
//
// tipline/cleaning/mp3frames.py says more, and has the same in Python.

export const HEAD_BYTES = 4;

const SYNC = 0xff;
const SECONDS: ReadonlySet<number> = new Set([0xe2, 0xe3, 0xf2, 0xf3, 0xfa, 0xfb]); // of layer III
const CHECKED_BYTES = 2;
const VERSION_1 = 3;
const KBITS_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBITS_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_HZ = [44100, 48000, 32000];
const VERSION_DIVISORS: ReadonlyMap<number, number> = new Map([
  [3, 1],
  [2, 2],
  [0, 4],
]);
const MONO = 3;

/** A frame's head. */
export interface Head {
  readonly lengthBytes: number; // of the frame; 0 if it does not say so
  readonly roomAt: number; // where its part of the reservoir begins, from its first byte
  readonly isVersion1: boolean; // two granules, not one
  readonly isMono: boolean;
  readonly family: number; // what all frames of a stream have in common
  readonly sideBytes: number; // how long what says where the sound lies is
}

/** Whether a byte can follow the first of a head. */
export function isSecond(byte: number): boolean {
  return SECONDS.has(byte);
}

/** Read a frame's head; undefined if it is none of layer III. */
export function readHead(untrusted: Uint8Array): Head | undefined {
  if (untrusted.length < HEAD_BYTES || untrusted[0] !== SYNC) return undefined;
  const [second, third, fourth] = [untrusted[1], untrusted[2], untrusted[3]] as [
    number,
    number,
    number,
  ];
  const [kbitIndex, rateIndex] = [third >> 4, (third >> 2) & 3] as const;
  if (!isSecond(second) || kbitIndex === 15 || rateIndex === 3) return undefined;
  const version = (second >> 3) & 3;
  const isVersion1 = version === VERSION_1;
  const isMono = fourth >> 6 === MONO;
  const sideBytes = isVersion1 ? (isMono ? 17 : 32) : isMono ? 9 : 17;
  const divisor = VERSION_DIVISORS.get(version) as number;
  const rateHz = Math.floor((RATES_HZ[rateIndex] as number) / divisor);
  const kbits = (isVersion1 ? KBITS_1 : KBITS_2)[kbitIndex] as number;
  const bytes = Math.floor((kbits * 1000 * (isVersion1 ? 144 : 72)) / rateHz);
  return {
    lengthBytes: kbits > 0 ? bytes + ((third >> 1) & 1) : 0,
    roomAt: HEAD_BYTES + (second & 1 ? 0 : CHECKED_BYTES) + sideBytes,
    isVersion1,
    isMono,
    family: (version << 3) | (rateIndex << 1) | (isMono ? 1 : 0),
    sideBytes,
  };
}

/** How many bytes before its own room a frame's sound begins, and how many bits it has. */
export function readSide(head: Head, frame: Uint8Array): [begin: number, bits: number] {
  const start = 8 * (head.roomAt - head.sideBytes);
  const beginBits = head.isVersion1 ? 9 : 8;
  // Private bits, and for each channel four that say what both granules share.
  const skippedBits = head.isVersion1 ? (head.isMono ? 5 + 4 : 3 + 8) : head.isMono ? 1 : 2;
  const partBits = head.isVersion1 ? 59 : 63;
  const parts = (head.isVersion1 ? 2 : 1) * (head.isMono ? 1 : 2);
  const first = start + beginBits + skippedBits;
  let bits = 0;
  for (let part = 0; part < parts; part++) bits += bitsAt(frame, first + part * partBits, 12);
  return [bitsAt(frame, start, beginBits), bits];
}

/** The number in up to twelve bits, the first of which weighs most. */
function bitsAt(data: Uint8Array, at: number, count: number): number {
  const byte = at >> 3;
  const three =
    ((data[byte] as number) << 16) | ((data[byte + 1] ?? 0) << 8) | (data[byte + 2] ?? 0);
  return (three >> (24 - (at & 7) - count)) & ((1 << count) - 1);
}
