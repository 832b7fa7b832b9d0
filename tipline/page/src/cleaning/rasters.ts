// Pictures of pixels inside documents and drawings: cleaned by the rules of their own format.

import { type Bytes, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { planGif, SIGNATURES as GIFS } from "./gif.js";
import { planJpeg, SIGNATURE as JPEG } from "./jpeg.js";
import type { Plan } from "./plan.js";
import { planPng, SIGNATURE as PNG } from "./png.js";
import { Source } from "./source.js";

/** A picture of pixels that was cleaned. */
export interface Raster {
  readonly plan: Plan;
  readonly cleaned: Bytes;
}

/** Clean a picture of pixels that lies in memory. */
export async function cleanRaster(untrusted: Bytes): Promise<Raster> {
  const planPicture = startsWith(untrusted, JPEG)
    ? planJpeg
    : startsWith(untrusted, PNG)
      ? planPng
      : GIFS.some((signature) => startsWith(untrusted, signature))
        ? planGif
        : undefined;
  if (planPicture === undefined) throw new CleaningRefusal("unsupported");
  return clean(untrusted, planPicture);
}

/** Clean a JPEG that lies in memory. */
export function cleanJpeg(untrusted: Bytes): Promise<Raster> {
  return clean(untrusted, planJpeg);
}

async function clean(
  untrusted: Bytes,
  planPicture: (source: Source) => Promise<Plan>,
): Promise<Raster> {
  const file = new Blob([untrusted]);
  const plan = await planPicture(new Source(file));
  const pieces = plan.pieces.map((piece) =>
    piece instanceof Uint8Array
      ? piece
      : untrusted.subarray(piece.offset, piece.offset + piece.lengthBytes),
  );
  return { plan, cleaned: new Uint8Array(await new Blob(pieces).arrayBuffer()) };
}
