// One way in for every format: known by its bytes, planned by its module.
//
// The rules are those of docs/reference/cleaning.md, the same as in Python. Nothing is decoded; what
// is kept stays in the file that was chosen until the cleaned one is read.

import { SIGNATURE as ARCHIVE } from "./archive.js";
import { startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { CONTAINER_SIGNATURE as CONTAINER, planDocument, refuseContainer } from "./documents.js";
import { planFlac, SIGNATURE as FLAC } from "./flac.js";
import { planGif, SIGNATURES as GIFS } from "./gif.js";
import { isHeif, planHeif } from "./heif.js";
import { planJpeg, SIGNATURE as JPEG } from "./jpeg.js";
import { planMatroska, SIGNATURE as MATROSKA } from "./matroska.js";
import { isMovie, planMovie } from "./movie.js";
import { isMp3, planMp3 } from "./mp3.js";
import { planOgg, SIGNATURE as OGG } from "./ogg.js";
import { planPdf, SIGNATURE as PDF } from "./pdf.js";
import type { Format, Plan } from "./plan.js";
import { planPng, SIGNATURE as PNG } from "./png.js";
import { ID3 } from "./soundtags.js";
import { type Readable, Source } from "./source.js";
import { planText } from "./text.js";
import { planTiff, SIGNATURES as TIFFS } from "./tiff.js";
import { isWav, planWav } from "./wav.js";
import { isWebp, planWebp } from "./webp.js";

export { CleanedFile } from "./cleanedfile.js";
export { CleaningRefusal, type Reason, REASONS } from "./errors.js";
export { EXTENSIONS, type Format, type Kind, KINDS, type Plan } from "./plan.js";

const HEAD_BYTES = 16;

const PLANNERS: Readonly<Record<Format, (source: Source) => Promise<Plan>>> = {
  jpeg: planJpeg,
  png: planPng,
  webp: planWebp,
  gif: planGif,
  tiff: planTiff,
  docx: planDocument,
  xlsx: planDocument,
  pptx: planDocument,
  odt: planDocument,
  ods: planDocument,
  odp: planDocument,
  txt: planAsText,
  csv: planAsText,
  ogg: planOgg,
  flac: planFlac,
  wav: planWav,
  mp3: planMp3,
  pdf: planPdf,
  m4a: planMovie,
  mp4: planMovie,
  mov: planMovie,
  "3gp": planMovie,
  webm: planMatroska,
  mkv: planMatroska,
  heic: planHeif,
  avif: planHeif,
};

/** Plan what is text, or nothing that is cleaned. */
function planAsText(source: Source): Promise<Plan> {
  return planText(source, (head) => detectFormat(head) !== undefined);
}

/** Tell a format by first bytes; undefined if it is text, or not one that is cleaned. */
function detectFormat(head: Uint8Array): Format | undefined {
  if (startsWith(head, JPEG)) return "jpeg";
  if (startsWith(head, PNG)) return "png";
  if (startsWith(head, PDF)) return "pdf";
  if (startsWith(head, OGG)) return "ogg";
  if (startsWith(head, FLAC)) return "flac";
  if (startsWith(head, MATROSKA)) return "mkv"; // or WebM
  if (startsWith(head, ID3) || isMp3(head)) return "mp3";
  if (isWav(head)) return "wav";
  if (GIFS.some((signature) => startsWith(head, signature))) return "gif";
  if (TIFFS.some((signature) => startsWith(head, signature))) return "tiff";
  if (isHeif(head)) return "heic";
  if (isMovie(head)) return "mp4";
  if (startsWith(head, ARCHIVE)) return "docx"; // or another document that is an archive
  return isWebp(head) ? "webp" : undefined;
}

/**
 * Plan how a file is cleaned. Nothing is written.
 *
 * Throws a `CleaningRefusal` if the file is empty, of a format that is not cleaned, or breaks its
 * format's rules; and what `Blob` throws if it cannot be read.
 */
export async function planCleaning(untrustedFile: Readable): Promise<Plan> {
  const source = new Source(untrustedFile);
  if (source.lengthBytes === 0) throw new CleaningRefusal("empty");
  const head = await source.readUpTo(0, HEAD_BYTES);
  if (startsWith(head, CONTAINER)) throw await refuseContainer(source);
  const format = detectFormat(head);
  return format === undefined ? planAsText(source) : PLANNERS[format](source);
}
