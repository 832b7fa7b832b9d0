// AV1 (its specification, 5.3): units that say what they are, how long they are, and more.
//
// Kept are the units of pictures, and of what only tells the two that say how bright it is.

import { type Bytes, joinAll } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const METADATA = 5;
const SEQUENCE = 1;
const KEPT: readonly number[] = [SEQUENCE, 3, 4, 6, 7];
const KEPT_METADATA: readonly number[] = [1, 2]; // light level, mastering display
const HAS_EXTENSION = 4;
const HAS_SIZE = 2;
const MAX_SIZE_BYTES = 8;

interface Unit {
  readonly kind: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** Keep of the units of a configuration the sequence headers alone. */
export function filterHeaders(untrusted: Uint8Array): Bytes {
  return keepUnits(untrusted, ({ kind }) => kind === SEQUENCE);
}

/** Take out of a sample what is no picture. */
export function filterUnits(untrusted: Uint8Array): Bytes {
  return keepUnits(untrusted, ({ kind, content, end }) =>
    kind === METADATA
      ? content < end && KEPT_METADATA.includes(untrusted[content] as number)
      : KEPT.includes(kind),
  );
}

function keepUnits(untrusted: Uint8Array, isKept: (unit: Unit) => boolean): Bytes {
  const kept = [...listUnits(untrusted)].filter(isKept);
  return joinAll(kept.map(({ start, end }) => untrusted.subarray(start, end)));
}

function* listUnits(untrusted: Uint8Array): Generator<Unit> {
  let start = 0;
  while (start < untrusted.length) {
    const head = untrusted[start] as number;
    let content = start + (head & HAS_EXTENSION ? 2 : 1);
    let end = untrusted.length;
    if (head & HAS_SIZE) {
      const [size, at] = readSize(untrusted, content);
      content = at;
      end = at + size;
    }
    const isWhole = content <= untrusted.length && end <= untrusted.length;
    if (!isWhole || head & 0x81) throw new CleaningRefusal("malformed");
    yield { kind: (head >> 3) & 15, start, content, end };
    start = end;
  }
}

function readSize(untrusted: Uint8Array, at: number): [number, number] {
  let size = 0;
  for (let number = 0; number < MAX_SIZE_BYTES; number++) {
    const byte = untrusted[at + number];
    if (byte === undefined) break;
    size += (byte & 127) * 2 ** (7 * number);
    if (byte < 128) return [size, at + number + 1];
  }
  throw new CleaningRefusal("malformed");
}
