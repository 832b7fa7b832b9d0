// Documents that are archives: known by what lies in them.
//
// Office locks a document by putting it into a container of older documents, which is refused with
// that reason.

import { Archive } from "./archive.js";
import { littleEndian, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { isOffice, planOffice } from "./office.js";
import { isOpenDocument, planOpenDocument } from "./opendocument.js";
import type { Plan } from "./plan.js";
import type { Source } from "./source.js";

export const CONTAINER_SIGNATURE = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

const LOCKED = "EncryptedPackage";
const HEAD_BYTES = 52;
const LEAST_SHIFT = 9;
const MOST_SHIFT = 12;
const DIRECTORY_BYTES = 4096; // a locked document has about ten entries of 128 bytes

/** Plan the cleaning of a document that begins as an archive does. */
export async function planDocument(source: Source): Promise<Plan> {
  const archive = await Archive.open(source);
  if (isOffice(archive)) return planOffice(source, archive);
  if (isOpenDocument(archive)) return planOpenDocument(source, archive);
  throw new CleaningRefusal("unknown");
}

/** Tell a locked document from older ones that begin with `CONTAINER_SIGNATURE`. */
export async function refuseContainer(source: Source): Promise<CleaningRefusal> {
  const head = await source.readUpTo(0, HEAD_BYTES);
  const shift = littleEndian(head, 30, 2);
  if (shift >= LEAST_SHIFT && shift <= MOST_SHIFT) {
    const offset = (littleEndian(head, 48, 4) + 1) * 2 ** shift;
    const directory = await source.readUpTo(offset, DIRECTORY_BYTES);
    // Names are UTF-16, and this one ASCII.
    if (textOf(directory).includes([...LOCKED].join("\0"))) return new CleaningRefusal("encrypted");
  }
  return new CleaningRefusal("unknown");
}
