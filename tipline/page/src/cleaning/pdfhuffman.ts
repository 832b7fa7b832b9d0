// The codes of deflate (RFC 1951, 3.2.2): those that are short are found by the bits themselves, the
// others by counting.

/** What broke: the data, or only the sum over it. */
export class InflateError extends Error {
  constructor(readonly isOfSum: boolean) {
    super("not a zlib stream");
  }
}

/** How many of the next bits find a code at once. */
export const PRIMARY_BITS = 10;
/** How long a code may be. */
export const MAX_BITS = 15;

/** The codes of one table: those that are short by themselves, the others by counting. */
export class Codes {
  /** By the next bits: the symbol, and above it the length of its code; 0 if that is longer. */
  readonly primary = new Uint16Array(1 << PRIMARY_BITS);
  readonly #counts = new Uint16Array(MAX_BITS + 1);
  readonly #symbols: Uint16Array;

  /** `isOfLengths`: of the codes that code the others; those have to be complete. */
  constructor(lengths: ArrayLike<number>, isOfLengths: boolean) {
    const counts = this.#counts;
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i] as number;
      counts[length] = (counts[length] as number) + 1;
    }
    counts[0] = 0;
    let left = 1;
    let longest = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      left = 2 * left - (counts[length] as number);
      if (left < 0) throw new InflateError(false);
      if (counts[length] !== 0) longest = length;
    }
    // A table of nothing breaks when it is used; one of a single code may be.
    if (left > 0 && longest > 0 && (isOfLengths || longest !== 1)) throw new InflateError(false);
    this.#symbols = this.#order(lengths);
  }

  #order(lengths: ArrayLike<number>): Uint16Array {
    const [starts, codes] = [new Uint16Array(MAX_BITS + 2), new Uint16Array(MAX_BITS + 2)];
    for (let length = 1; length <= MAX_BITS; length++) {
      const count = this.#counts[length] as number;
      starts[length + 1] = (starts[length] as number) + count;
      codes[length + 1] = ((codes[length] as number) + count) << 1;
    }
    const symbols = new Uint16Array(starts[MAX_BITS + 1] as number);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number;
      if (length === 0) continue;
      symbols[(starts[length] as number)++] = symbol;
      const code = (codes[length] as number)++;
      if (length > PRIMARY_BITS) continue;
      const entry = (length << 12) | symbol;
      for (let at = reverse(code, length); at < 1 << PRIMARY_BITS; at += 1 << length) {
        this.primary[at] = entry;
      }
    }
    return symbols;
  }

  /** A code that is longer than the primary table: symbol and length, as there. */
  find(hold: number, available: number): number {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length <= MAX_BITS; length++) {
      if (length > available) return 0;
      code |= (hold >>> (length - 1)) & 1;
      const count = this.#counts[length] as number;
      if (code - count < first) {
        return (length << 12) | (this.#symbols[index + (code - first)] as number);
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError(false);
  }
}

let fixedCodes: readonly [Codes, Codes] | undefined;

/** The codes that every program has: of lengths, and of distances. */
export function findFixedCodes(): readonly [Codes, Codes] {
  if (fixedCodes !== undefined) return fixedCodes;
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  fixedCodes = [new Codes(lengths, false), new Codes(new Uint8Array(32).fill(5), false)];
  return fixedCodes;
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0; i < length; i++) reversed |= ((code >> i) & 1) << (length - 1 - i);
  return reversed;
}
