// JPEG inside a TIFF: a strip or tile is a picture without its tables, which stand apart.
//
// Each is walked by JPEG's own rules: tables, one frame, scans, the end. What else stands in it
// goes; what a decoder needs to know of the colours is in the directory.

import { bigEndian, type Bytes, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import {
  COM,
  EOI,
  FRAMES,
  isApplication,
  isFrame,
  isScanEnd,
  isScanHead,
  SOS,
  TABLES,
} from "./jpeg.js";
import type { PlanBuilder, Range } from "./plan.js";
import type { Source } from "./source.js";

/**
 * Find what stays of a JPEG that is a part of a file, in order: one frame and scans if it is a
 * picture, else tables alone. The builder is told what goes.
 */
export async function readJpeg(
  source: Source,
  builder: PlanBuilder,
  part: Range,
  isPicture: boolean,
): Promise<readonly Range[]> {
  const end = part.offset + part.lengthBytes;
  if (part.lengthBytes < 4 || textOf(await source.read(part.offset, 2)) !== "\xff\xd8") {
    throw new CleaningRefusal("malformed");
  }
  const kept: Range[] = [{ offset: part.offset, lengthBytes: 2 }];
  let position = part.offset + 2;
  let hasFrame = false;
  let hasScan = false;
  for (;;) {
    builder.countPart();
    const [mark, marker = 0] = await readWithin(source, position, 2, end);
    if (mark !== 0xff) throw new CleaningRefusal("malformed");
    if (marker === EOI) break;
    const length = bigEndian(await readWithin(source, position + 2, 2, end), 0, 2);
    if (length < 2) throw new CleaningRefusal("malformed");
    const content = await readWithin(source, position + 4, length - 2, end);
    let following = position + 2 + length;
    if (isApplication(marker) || marker === COM) {
      builder.find(marker === COM ? "text" : "other");
      position = following;
      continue;
    }
    let isSound: boolean;
    if (FRAMES.has(marker)) {
      isSound = isPicture && !hasFrame && isFrame(content);
      hasFrame = true;
    } else if (marker === SOS) {
      isSound = hasFrame && isScanHead(content);
      hasScan = true;
      following = await findScanEnd(source, following, end);
    } else {
      isSound = TABLES.get(marker)?.(content) ?? false;
    }
    if (!isSound) throw new CleaningRefusal("malformed");
    keep(kept, position, following);
    position = following;
  }
  if (hasScan !== isPicture) throw new CleaningRefusal("malformed");
  keep(kept, position, position + 2);
  if (position + 2 < end) builder.find("trailing");
  return kept;
}

function readWithin(source: Source, offset: number, length: number, end: number): Promise<Bytes> {
  if (offset + length > end) throw new CleaningRefusal("truncated");
  return source.read(offset, length);
}

/** Return where coded data ends: at a marker, with no fill before it. */
async function findScanEnd(source: Source, start: number, end: number): Promise<number> {
  const found = await source.find(0xff, isScanEnd, start);
  if (found === undefined || found + 2 > end) throw new CleaningRefusal("truncated");
  if (found > start && (await source.byteAt(found - 1)) === 0xff) {
    throw new CleaningRefusal("malformed");
  }
  return found;
}

function keep(kept: Range[], start: number, end: number): void {
  const last = kept.at(-1);
  if (last !== undefined && last.offset + last.lengthBytes === start) {
    kept[kept.length - 1] = { offset: last.offset, lengthBytes: end - last.offset };
  } else {
    kept.push({ offset: start, lengthBytes: end - start });
  }
}
