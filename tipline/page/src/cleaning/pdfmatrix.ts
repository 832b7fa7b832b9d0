// Matrices of a PDF (ISO 32000-1, 8.3.3), reckoned and written down as qpdf does it for Python: to
// the last digit, since both languages write the same file.

import { PdfArray, PdfNumber } from "./pdfobjects.js";

const DIGITS = 5; // behind the point of a matrix
const NOTHING = 0.00001;
const LARGEST_FIXED = 1e21; // from there on JavaScript writes exponents

/** Left, lower, right and upper side. */
export type Rectangle = readonly [number, number, number, number];

/** Six numbers: x becomes ax + cy + e, y becomes bx + dy + f. */
export type Matrix = readonly [number, number, number, number, number, number];

export const UNCHANGED: Matrix = [1, 0, 0, 1, 0, 0];
const ROTATIONS: ReadonlyMap<number, Matrix> = new Map([
  [90, [0, 1, -1, 0, 0, 0]],
  [180, [-1, 0, 0, -1, 0, 0]],
  [270, [0, -1, 1, 0, 0, 0]],
]);

/** What `first` does to what `then` did. */
export function concat(first: Matrix, then: Matrix): Matrix {
  const [a, b, c, d, e, f] = first;
  const [a2, b2, c2, d2, e2, f2] = then;
  return [
    a * a2 + c * b2,
    b * a2 + d * b2,
    a * c2 + c * d2,
    b * c2 + d * d2,
    a * e2 + c * f2 + e,
    b * e2 + d * f2 + f,
  ];
}

/** Turn by a right angle, or by two or three; by any other not at all. */
export function rotate(matrix: Matrix, angle: number): Matrix {
  const rotation = ROTATIONS.get(angle);
  return rotation === undefined ? matrix : concat(matrix, rotation);
}

/** The upright rectangle around a rectangle that was changed. */
export function transform(matrix: Matrix, [left, lower, right, upper]: Rectangle): Rectangle {
  const [a, b, c, d, e, f] = matrix;
  const corners = [
    [left, lower],
    [left, upper],
    [right, lower],
    [right, upper],
  ] as const;
  const xs = corners.map(([x, y]) => a * x + c * y + e);
  const ys = corners.map(([x, y]) => b * x + d * y + f);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Numbers of an array of numbers. */
export function readNumbers(array: PdfArray): number[] {
  return array.values().map((value) => (value instanceof PdfNumber ? value.value : 0));
}

/** Four numbers in their order: the smaller ones first. */
export function readRectangle(array: PdfArray): Rectangle {
  const [x, y, x2, y2] = readNumbers(array) as [number, number, number, number];
  return [Math.min(x, x2), Math.min(y, y2), Math.max(x, x2), Math.max(y, y2)];
}

/** Write a matrix for the operator `cm`. */
export function formatMatrix(matrix: Matrix): string {
  return matrix
    .map((part) => formatDecimal(part > -NOTHING && part < NOTHING ? 0 : part, DIGITS))
    .join(" ");
}

/** Write a number with so many digits behind its point, but for zeros at the end. */
export function formatDecimal(number: number, digits: number): string {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number < 0 ? "-inf" : "inf";
  if (Math.abs(number) >= LARGEST_FIXED) return BigInt(number).toString();
  return roundToEven(number, digits).replace(/\.?0+$/, "");
}

/** Round what lies in the middle to an even digit, as C does; JavaScript rounds it away from 0. */
function roundToEven(number: number, digits: number): string {
  const fixed = number.toFixed(digits);
  const exact = number.toFixed(Math.min(100, digits + 60));
  const isMiddle = /^50*$/.test(exact.slice(exact.indexOf(".") + 1 + digits));
  const isOdd = Number(fixed.at(-1)) % 2 === 1;
  return isMiddle && isOdd ? exact.slice(0, exact.indexOf(".") + 1 + digits) : fixed;
}
