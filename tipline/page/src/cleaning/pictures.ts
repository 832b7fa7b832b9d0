// Pictures inside documents: cleaned by the rules of their own format, or refused.

import { type Bytes, isSame } from "./bytes.js";
import { cleanEmf, isEmf } from "./emf.js";
import type { Drawing } from "./metafilerules.js";
import { EXTENSIONS, type Kind } from "./plan.js";
import { cleanRaster } from "./rasters.js";
import { cleanWmf, isWmf } from "./wmf.js";

export { cleanJpeg } from "./rasters.js";

/** By extension, in the order in which documents list them. */
export const PICTURE_TYPES: ReadonlyMap<string, string> = new Map([
  [EXTENSIONS.jpeg, "image/jpeg"],
  [EXTENSIONS.png, "image/png"],
  [EXTENSIONS.gif, "image/gif"],
  ["emf", "image/x-emf"],
  ["wmf", "image/x-wmf"],
]);

/** A picture that was cleaned; without kinds it stays as it was. */
export interface Picture {
  readonly content: Bytes;
  readonly extension: string;
  readonly kinds: readonly Kind[];
  readonly isCompressed: boolean;
}

/** Clean a picture that lies in memory. */
export async function cleanPicture(untrusted: Bytes): Promise<Picture> {
  if (isEmf(untrusted)) return makeDrawing(untrusted, await cleanEmf(untrusted), "emf");
  if (isWmf(untrusted)) return makeDrawing(untrusted, await cleanWmf(untrusted), "wmf");
  const { plan, cleaned: content } = await cleanRaster(untrusted);
  const extension = EXTENSIONS[plan.format];
  return { content, extension, kinds: plan.kinds, isCompressed: true };
}

function makeDrawing(
  untrusted: Bytes,
  { content, kinds: found }: Drawing,
  extension: string,
): Picture {
  const kinds: Kind[] = [...found];
  if (kinds.length === 0 && !isSame(content, untrusted)) kinds.push("other");
  return { content, extension, kinds, isCompressed: false };
}
