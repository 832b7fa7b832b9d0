// Zlib streams by the browser's own means: many times as fast as any code of ours, and slow only to
// begin with. It takes whole streams, and none with something behind them.

import { type Bytes, join } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const MAX_LINE_END_BYTES = 2; // between a stream and the word behind it; some count it to the stream
const [NEW_LINE, RETURN] = [0x0a, 0x0d];
// Nothing, compressed, and a byte too many.
const TOO_LONG = Uint8Array.of(0x78, 0x9c, 0x03, 0, 0, 0, 0, 1, 0);

let isStrict: Promise<boolean> | undefined;

/** Compress. */
export async function deflateNatively(data: Bytes): Promise<Bytes> {
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream("deflate"));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
  }
  return join(...parts);
}

/**
 * Inflate; undefined if the stream is not whole. Throws a `CleaningRefusal` if more than
 * `limitBytes` come out of it.
 */
export async function inflateNatively(data: Bytes, limitBytes: number): Promise<Bytes | undefined> {
  const parts: Uint8Array[] = [];
  const length = await inflateInto(data, limitBytes, (part) => parts.push(part));
  return length === undefined ? undefined : join(...parts);
}

/** Where a stream ends, and how much comes out of it; undefined if that is to be told otherwise. */
export async function measureNatively(
  data: Bytes,
  limitBytes: number,
): Promise<{ readonly endBytes: number; readonly decodedBytes: number } | undefined> {
  for (let left = 0; left <= MAX_LINE_END_BYTES; left++) {
    const whole = data.subarray(0, data.length - left);
    const decodedBytes = await inflateInto(whole, limitBytes, () => undefined);
    if (decodedBytes !== undefined) {
      const isExact = await (isStrict ??= learnWhetherStrict());
      // A stream's last byte is needed: if it can be done without, it was not the last.
      const shorter = isExact ? undefined : await inflateInto(whole.subarray(0, -1), limitBytes);
      return shorter === undefined ? { endBytes: whole.length, decodedBytes } : undefined;
    }
    const last = whole[whole.length - 1];
    if (last !== NEW_LINE && last !== RETURN) return undefined;
  }
  return undefined;
}

/** Whether this browser refuses what lies behind the end of a stream: not all do. */
async function learnWhetherStrict(): Promise<boolean> {
  return (await inflateInto(TOO_LONG, 1)) === undefined;
}

/** Inflate; how much it is, or undefined if the stream is not whole. */
async function inflateInto(
  data: Bytes,
  limitBytes: number,
  take?: (part: Uint8Array) => void,
): Promise<number | undefined> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  let length = 0;
  for (;;) {
    let part: Uint8Array | undefined;
    try {
      part = (await reader.read()).value;
    } catch {
      return undefined; // what a stream throws is the engine's own
    }
    if (part === undefined) return length;
    length += part.length;
    if (length > limitBytes) {
      await reader.cancel();
      throw new CleaningRefusal("too-complex");
    }
    take?.(part);
  }
}
