// PDF (ISO 32000-1): a new file of what draws the pages, and of nothing else.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/pdf.py keeps them in Python.

import { CleaningRefusal } from "./errors.js";
import { isSameAgain } from "./pdfagain.js";
import { cleanDocument } from "./pdfdocument.js";
import { type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export const SIGNATURE = "%PDF-";
const MAX_PDF_BYTES = 64 * 1024 * 1024; // it is held in memory; a scan of 100 pages has about 20

/** Plan the cleaning of a PDF that begins with `SIGNATURE`: one piece, written anew, or kept. */
export async function planPdf(source: Source): Promise<Plan> {
  if (source.lengthBytes > MAX_PDF_BYTES) throw new CleaningRefusal("too-complex");
  const builder = new PlanBuilder("pdf", source);
  const data = (await source.read(0, source.lengthBytes)).slice();
  const written = await cleanDocument(data, (...kinds) => builder.find(...kinds));
  if (await isSameAgain(data, written)) builder.keep(0, data.length);
  else builder.write(written);
  return builder.build();
}
