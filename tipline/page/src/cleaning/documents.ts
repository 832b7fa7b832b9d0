// Documents that are archives: known by what lies in them.

import { Archive } from "./archive.js";
import { CleaningRefusal } from "./errors.js";
import { isOffice, planOffice } from "./office.js";
import { isOpenDocument, planOpenDocument } from "./opendocument.js";
import type { Plan } from "./plan.js";
import type { Source } from "./source.js";

/** Plan the cleaning of a document that begins as an archive does. */
export async function planDocument(source: Source): Promise<Plan> {
  const archive = await Archive.open(source);
  if (isOffice(archive)) return planOffice(source, archive);
  if (isOpenDocument(archive)) return planOpenDocument(source, archive);
  throw new CleaningRefusal("unknown");
}
