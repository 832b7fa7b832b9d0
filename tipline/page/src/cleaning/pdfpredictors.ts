// The predictors of PDF's filters (ISO 32000-1, 7.4.4.4): PNG's, and the only one of TIFF's that is
// common.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const DEPTHS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16]);
const MAX_COLOURS = 32;
const MAX_KIND = 4;

/**
 * Undo a predictor, if there is one. A row that was predicted in a way that is not known is refused,
 * or stays as it is (`isKind`).
 */
export function undoPredictor(
  data: Bytes,
  parameters: ReadonlyMap<string, number>,
  isKind: boolean = false,
): Bytes {
  const predictor = parameters.get("Predictor") ?? 1;
  if (predictor < 2) return data;
  const colours = parameters.get("Colors") ?? 1;
  const bits = parameters.get("BitsPerComponent") ?? 8;
  const columns = parameters.get("Columns") ?? 1;
  const isBounded = 0 < colours && colours <= MAX_COLOURS && DEPTHS.has(bits);
  if (!isBounded || columns <= 0 || columns > data.length * 8 + 8) {
    throw new CleaningRefusal("malformed");
  }
  const isPng = predictor >= 10;
  if (!isPng && bits !== 8) throw new CleaningRefusal("unsupported");
  const step = Math.ceil((colours * bits) / 8);
  const rowBytes = Math.ceil((columns * colours * bits) / 8);
  const stride = rowBytes + (isPng ? 1 : 0);
  const out = new Uint8Array(Math.ceil(data.length / stride) * rowBytes);
  let [length, above] = [0, new Uint8Array(rowBytes)];
  for (let start = 0; start < data.length; start += stride) {
    // TIFF's predictor is the first of PNG's.
    const kind = isPng ? (data[start] as number) : 1;
    const given = data.subarray(start + (isPng ? 1 : 0), start + stride);
    const row = out.subarray(length, length + rowBytes);
    row.set(given);
    if (!isKind || kind <= MAX_KIND) undoRow(kind, row, above, step);
    length += given.length;
    above = row;
  }
  return out.subarray(0, length);
}

function undoRow(kind: number, row: Bytes, above: Bytes, step: number): void {
  switch (kind) {
    case 0:
      return;
    case 1:
      for (let i = step; i < row.length; i++) row[i] = at(row, i) + at(row, i - step);
      return;
    case 2:
      for (let i = 0; i < row.length; i++) row[i] = at(row, i) + at(above, i);
      return;
    case 3:
      for (let i = 0; i < row.length; i++) {
        const left = i < step ? 0 : at(row, i - step);
        row[i] = at(row, i) + ((left + at(above, i)) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < row.length; i++) {
        const left = i < step ? 0 : at(row, i - step);
        const corner = i < step ? 0 : at(above, i - step);
        row[i] = at(row, i) + chooseNearest(left, at(above, i), corner);
      }
      return;
    default:
      throw new CleaningRefusal("malformed");
  }
}

function at(row: Bytes, index: number): number {
  return row[index] as number;
}

function chooseNearest(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
