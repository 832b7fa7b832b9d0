// Inflates zlib streams (RFC 1950, RFC 1951) step by step, for those that the browser's own
// decompressor does not take: with something behind their end, cut, or broken.
//
// A PDF has such streams, and programs that show it take what they can. The steps are Python's
// (tipline/cleaning/pdf_filters.py): what a step that breaks has given is lost, in both languages.

import type { Bytes } from "./bytes.js";
import { Codes, findFixedCodes, InflateError, MAX_BITS, PRIMARY_BITS } from "./pdfhuffman.js";

const INPUT_BYTES = 16 * 1024;
const STEP_BYTES = 256 * 1024;
const WINDOW_BYTES = 32 * 1024;

const PRIMARY_MASK = (1 << PRIMARY_BITS) - 1;
const END_OF_BLOCK = 256;
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const [LENGTHS, LENGTH_BITS] = makeBases(29, 3, 4);
const [DISTANCES, DISTANCE_BITS] = makeBases(30, 1, 2);
LENGTHS[28] = 258;
LENGTH_BITS[28] = 0;

const OUT_BYTES = WINDOW_BYTES + STEP_BYTES;
let spare: Bytes | undefined;

/** Where it stands: between blocks, within one of two sorts, or behind all of them. */
type Phase = "head" | "block" | "stored" | "codes" | "checksum" | "end";

/** What a step gave: a view that holds until the next one, and where its input ended. */
export interface Inflated {
  readonly part: Bytes;
  readonly endBytes: number;
  /** What broke; what the step gave before that is in `part`. */
  readonly failure?: InflateError;
}

/** List what comes out of a zlib stream, and how much went in for it; ends where it breaks. */
export function* inflateParts(untrusted: Bytes): Generator<Inflated, void, void> {
  const inflater = new Inflater(untrusted, spare ?? new Uint8Array(OUT_BYTES));
  spare = undefined;
  try {
    yield* inflateBy(inflater, untrusted);
  } finally {
    spare = inflater.out; // a page may have many images that are small
  }
}

function* inflateBy(inflater: Inflater, untrusted: Bytes): Generator<Inflated, void, void> {
  for (let start = 0; start < untrusted.length; start += INPUT_BYTES) {
    const end = Math.min(start + INPUT_BYTES, untrusted.length);
    do {
      let failure: InflateError | undefined;
      try {
        inflater.step(end);
      } catch (error) {
        if (!(error instanceof InflateError)) throw error;
        failure = error;
      }
      const isCut = !inflater.isAtEnd && !inflater.isFull;
      const inflated = { part: inflater.part, endBytes: isCut ? end : inflater.position };
      if (failure !== undefined) {
        yield { ...inflated, failure };
        return;
      }
      yield inflated;
    } while (inflater.isFull && !inflater.isAtEnd && inflater.position < end);
    if (inflater.isAtEnd) return;
  }
}

class Inflater {
  #phase: Phase = "head";
  #position = 0; // of the next byte that is not in `#hold`
  #hold = 0;
  #bits = 0;
  #end = 0;
  #outStart = 0; // of this step
  #outAt = 0;
  #outEnd = 0;
  #total = 0; // up to this step
  #isLast = false;
  #storedBytes = 0;
  #lengths: Codes | undefined;
  #distances: Codes | undefined;
  #literal = -1; // what was decoded and found no room
  #copyBytes = 0;
  #copyDistance = 0;
  #low = 1;
  #high = 0;

  constructor(
    private readonly untrusted: Bytes,
    readonly out: Bytes,
  ) {}

  get isAtEnd(): boolean {
    return this.#phase === "end";
  }

  /** Whether the last step gave as much as one may. */
  get isFull(): boolean {
    return this.#outAt === this.#outEnd;
  }

  /** How much of the input was needed so far. */
  get position(): number {
    return this.#position - (this.#bits >> 3);
  }

  /** What the last step gave. */
  get part(): Bytes {
    return this.out.subarray(this.#outStart, this.#outAt);
  }

  /** Go on until the input up to `end` is used up, or there is as much output as in one step. */
  step(end: number): void {
    this.#total += this.#outAt - this.#outStart;
    const kept = Math.min(WINDOW_BYTES, this.#outAt);
    this.out.copyWithin(0, this.#outAt - kept, this.#outAt);
    this.#outStart = this.#outAt = kept;
    this.#outEnd = kept + STEP_BYTES;
    this.#end = end;
    while (this.#advance());
    this.#sum();
    if (this.#phase === "checksum" && this.#has(32)) {
      const sum = ((this.#high << 16) | this.#low) >>> 0;
      let found = 0;
      for (let i = 0; i < 4; i++) found = found * 256 + this.#take(8);
      if (found !== sum) throw new InflateError(true);
      this.#phase = "end";
    }
  }

  /** Do the next thing; false if there is no input for it, or no room. */
  #advance(): boolean {
    switch (this.#phase) {
      case "head":
        return this.#readHead();
      case "block":
        return this.#isLast ? this.#endBlocks() : this.#undoIfShort(() => this.#readBlock());
      case "stored":
        return this.#copyStored();
      case "codes":
        return this.#readCodes();
      case "checksum":
      case "end":
        return false;
    }
  }

  #readHead(): boolean {
    if (!this.#has(16)) return false;
    const [method, flags] = [this.#take(8), this.#take(8)];
    // Deflate, with a window that may be, and no dictionary that only its maker has.
    const isKnown = (method & 15) === 8 && method >> 4 <= 7 && (flags & 0x20) === 0;
    if (!isKnown || (method * 256 + flags) % 31 !== 0) throw new InflateError(false);
    this.#phase = "block";
    return true;
  }

  /** Read something as a whole: what is short now is read again with more. */
  #undoIfShort(read: () => boolean): boolean {
    const [position, hold, bits] = [this.#position, this.#hold, this.#bits];
    if (read()) return true;
    this.#position = position;
    this.#hold = hold;
    this.#bits = bits;
    return false;
  }

  #endBlocks(): boolean {
    this.#take(this.#bits & 7);
    this.#phase = "checksum";
    return false;
  }

  #readBlock(): boolean {
    if (!this.#has(3)) return false;
    const isLast = this.#take(1) === 1;
    const kind = this.#take(2);
    if (kind === 3) throw new InflateError(false);
    if (kind === 0) {
      this.#take(this.#bits & 7);
      if (!this.#has(16)) return false;
      const length = this.#take(16);
      if (!this.#has(16)) return false;
      if ((this.#take(16) ^ length) !== 0xffff) throw new InflateError(false);
      this.#storedBytes = length;
      this.#phase = "stored";
    } else {
      if (kind === 1) {
        [this.#lengths, this.#distances] = findFixedCodes();
      } else if (!this.#readTables()) {
        return false;
      }
      this.#phase = "codes";
    }
    this.#isLast = isLast;
    return true;
  }

  #readTables(): boolean {
    if (!this.#has(14)) return false;
    const [lengthCount, distanceCount] = [this.#take(5) + 257, this.#take(5) + 1];
    const count = this.#take(4) + 4;
    if (lengthCount > 286 || distanceCount > 30) throw new InflateError(false);
    const own = new Uint8Array(19);
    for (let i = 0; i < count; i++) {
      if (!this.#has(3)) return false;
      own[LENGTH_ORDER[i] as number] = this.#take(3);
    }
    const codes = new Codes(own, true);
    const lengths = new Uint8Array(lengthCount + distanceCount);
    for (let at = 0; at < lengths.length;) {
      const symbol = this.#decode(codes);
      if (symbol < 0) return false;
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const [bits, least] = symbol === 16 ? [2, 3] : symbol === 17 ? [3, 3] : [7, 11];
      if (!this.#has(bits)) return false;
      if (symbol === 16 && at === 0) throw new InflateError(false);
      const repeat = least + this.#take(bits);
      if (at + repeat > lengths.length) throw new InflateError(false);
      lengths.fill(symbol === 16 ? (lengths[at - 1] as number) : 0, at, at + repeat);
      at += repeat;
    }
    if (lengths[END_OF_BLOCK] === 0) throw new InflateError(false);
    this.#lengths = new Codes(lengths.subarray(0, lengthCount), false);
    this.#distances = new Codes(lengths.subarray(lengthCount), false);
    return true;
  }

  #copyStored(): boolean {
    if (this.#storedBytes > 0) {
      // What was read ahead is given back: a stored block begins at a byte.
      this.#position -= this.#bits >> 3;
      this.#hold = this.#bits = 0;
      const room = Math.min(this.#end - this.#position, this.#outEnd - this.#outAt);
      const count = Math.min(this.#storedBytes, room);
      const from = this.#position;
      this.out.set(this.untrusted.subarray(from, from + count), this.#outAt);
      this.#position += count;
      this.#outAt += count;
      this.#storedBytes -= count;
      if (this.#storedBytes > 0) return false;
    }
    this.#phase = "block";
    return true;
  }

  #readCodes(): boolean {
    if (this.#literal < 0 && this.#copyBytes === 0) this.#readLiterals();
    const { out } = this;
    for (;;) {
      if (this.#literal >= 0) {
        if (this.#outAt === this.#outEnd) return false;
        out[this.#outAt++] = this.#literal;
        this.#literal = -1;
      } else if (this.#copyBytes > 0) {
        if (!this.#copy()) return false;
      }
      const [position, hold, bits] = [this.#position, this.#hold, this.#bits];
      const symbol = this.#decode(this.#lengths as Codes);
      if (symbol === END_OF_BLOCK) {
        this.#phase = "block";
        return true;
      }
      if (symbol >= 0 && symbol < END_OF_BLOCK) {
        this.#literal = symbol;
        continue;
      }
      if (symbol < 0 || !this.#readCopy(symbol - END_OF_BLOCK - 1)) {
        this.#position = position;
        this.#hold = hold;
        this.#bits = bits;
        return false;
      }
    }
  }

  /** Read as many literals as stand here in a row: most of what there is, and in a tight loop. */
  #readLiterals(): void {
    const { primary } = this.#lengths as Codes;
    const [data, out] = [this.untrusted, this.out];
    const [end, outEnd] = [this.#end, this.#outEnd];
    let [position, hold, bits, outAt] = [this.#position, this.#hold, this.#bits, this.#outAt];
    while (outAt < outEnd) {
      while (bits < PRIMARY_BITS && position < end) {
        hold |= (data[position++] as number) << bits;
        bits += 8;
      }
      const entry = primary[hold & PRIMARY_MASK] as number;
      const length = entry >> 12;
      const symbol = entry & 0xfff;
      if (length === 0 || length > bits || symbol >= END_OF_BLOCK) break;
      out[outAt++] = symbol;
      hold >>>= length;
      bits -= length;
    }
    this.#position = position;
    this.#hold = hold;
    this.#bits = bits;
    this.#outAt = outAt;
  }

  /** Read how much is copied, and from where. */
  #readCopy(index: number): boolean {
    if (index >= 29) throw new InflateError(false);
    const lengthBits = LENGTH_BITS[index] as number;
    if (!this.#has(lengthBits)) return false;
    const length = (LENGTHS[index] as number) + this.#take(lengthBits);
    const symbol = this.#decode(this.#distances as Codes);
    if (symbol < 0) return false;
    if (symbol >= 30) throw new InflateError(false);
    const distanceBits = DISTANCE_BITS[symbol] as number;
    if (!this.#has(distanceBits)) return false;
    const distance = (DISTANCES[symbol] as number) + this.#take(distanceBits);
    if (distance > this.#total + this.#outAt - this.#outStart) throw new InflateError(false);
    this.#copyBytes = length;
    this.#copyDistance = distance;
    return true;
  }

  #copy(): boolean {
    const { out } = this;
    const count = Math.min(this.#copyBytes, this.#outEnd - this.#outAt);
    if (this.#copyDistance >= count) {
      const from = this.#outAt - this.#copyDistance;
      out.copyWithin(this.#outAt, from, from + count);
      this.#outAt += count;
    } else if (this.#copyDistance === 1) {
      out.fill(out[this.#outAt - 1] as number, this.#outAt, this.#outAt + count);
      this.#outAt += count;
    } else {
      for (let i = 0; i < count; i++, this.#outAt++) {
        out[this.#outAt] = out[this.#outAt - this.#copyDistance] as number;
      }
    }
    this.#copyBytes -= count;
    return this.#copyBytes === 0;
  }

  /** The next symbol; -1 if the input ends before it does. */
  #decode(codes: Codes): number {
    this.#has(MAX_BITS);
    let entry = codes.primary[this.#hold & PRIMARY_MASK] as number;
    if (entry === 0) entry = codes.find(this.#hold, this.#bits);
    const length = entry >> 12;
    if (length === 0 || length > this.#bits) return -1;
    this.#hold >>>= length;
    this.#bits -= length;
    return entry & 0xfff;
  }

  /** Whether there are so many bits, 32 at most. */
  #has(count: number): boolean {
    while (this.#bits < count && this.#bits <= 24 && this.#position < this.#end) {
      this.#hold |= (this.untrusted[this.#position++] as number) << this.#bits;
      this.#bits += 8;
    }
    return this.#bits >= count;
  }

  /** Take bits that there are, 16 at most. */
  #take(count: number): number {
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  /** Add what the step gave to the sum over all (RFC 1950, 8.2). */
  #sum(): void {
    const { out } = this;
    let [low, high] = [this.#low, this.#high];
    for (let at = this.#outStart; at < this.#outAt;) {
      // As many as fit in 32 bits before the rest is taken.
      const stop = Math.min(at + 5552, this.#outAt);
      for (; at < stop; at++) {
        low += out[at] as number;
        high += low;
      }
      low %= 65_521;
      high %= 65_521;
    }
    this.#low = low;
    this.#high = high;
  }
}

/** The least of each range of lengths or distances, and how many bits tell what is added. */
function makeBases(count: number, least: number, plain: number): [Uint16Array, Uint8Array] {
  const [bases, bits] = [new Uint16Array(count), new Uint8Array(count)];
  let base = least;
  for (let i = 0; i < count; i++) {
    bits[i] = i < 2 * plain ? 0 : Math.floor(i / plain) - 1;
    bases[i] = base;
    base += 1 << (bits[i] as number);
  }
  return [bases, bits];
}
