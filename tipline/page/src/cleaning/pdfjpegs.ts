// JPEGs inside a PDF: cleaned by their own rules.

import { type Bytes, join, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { planJpeg, SIGNATURE } from "./jpeg.js";
import type { Kind } from "./plan.js";
import { Source } from "./source.js";

/** Clean a JPEG that lies in memory; `find` is told the kinds of what goes. */
export async function cleanJpeg(
  untrusted: Bytes,
  find: (...kinds: readonly Kind[]) => void,
): Promise<Bytes> {
  if (!startsWith(untrusted, SIGNATURE)) throw new CleaningRefusal("malformed");
  const plan = await planJpeg(new Source(new Blob([untrusted])));
  find(...plan.kinds);
  const pieces = plan.pieces.map((piece) =>
    piece instanceof Uint8Array
      ? piece
      : untrusted.subarray(piece.offset, piece.offset + piece.lengthBytes),
  );
  return join(...pieces);
}
