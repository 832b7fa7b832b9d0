// The data of a PDF's images: kept as it is coded, but for what is no pixel.
//
// A JPEG is cleaned by its own rules. What lies behind the end of a zlib stream or of runs goes.
// JBIG2 and JPEG 2000 lose what their own allow-lists (`pdfscans.ts`) do not name.

import type { Bytes } from "./bytes.js";
import { type Budget, decodeFilters, type Filter, measureDeflated } from "./pdffilters.js";
import { cleanJpeg } from "./pdfjpegs.js";
import { cleanJbig2, cleanJpeg2000 } from "./pdfscans.js";
import type { Kind } from "./plan.js";

export const MAX_PIXELS_BYTES = 1024 ** 3; // forty photos of 12 megapixels
const LAST: ReadonlySet<string> = new Set([
  "FlateDecode",
  "LZWDecode",
  "RunLengthDecode",
  "CCITTFaxDecode",
  "DCTDecode",
  "JBIG2Decode",
  "JPXDecode",
]);

const RUNS_END = 128;

/** What is left of an image: coded by one filter, or by none. */
export interface ImageData {
  readonly filter: string | undefined;
  readonly data: Bytes;
}

/**
 * Clean the data of an image: all its filters but the last are undone.
 *
 * `budget` is spent on them, `pixels` on what is inflated only to see where it ends.
 */
export async function cleanImageData(
  untrusted: Bytes,
  filters: readonly Filter[],
  { budget, pixels }: { readonly budget: Budget; readonly pixels: Budget },
  find: (...kinds: readonly Kind[]) => void,
): Promise<ImageData> {
  const filter = filters.at(-1)?.name;
  if (filter === undefined || !LAST.has(filter)) {
    return { filter: undefined, data: await decodeFilters(untrusted, filters, budget) };
  }
  const data =
    filters.length > 1 ? await decodeFilters(untrusted, filters.slice(0, -1), budget) : untrusted;
  switch (filter) {
    case "DCTDecode":
      return { filter, data: await cleanJpeg(data, find) };
    case "FlateDecode":
      return { filter, data: data.subarray(0, await measureDeflated(data, pixels)) };
    case "RunLengthDecode":
      return { filter, data: data.subarray(0, measureRuns(data)) };
    case "JBIG2Decode":
      return { filter, data: cleanJbig2(data) };
    case "JPXDecode":
      return { filter, data: cleanJpeg2000(data) };
    default:
      return { filter, data };
  }
}

function measureRuns(data: Bytes): number {
  for (let at = 0; at < data.length;) {
    const count = data[at] as number;
    if (count === RUNS_END) return at + 1;
    at += count < RUNS_END ? count + 2 : 2;
  }
  return data.length;
}
