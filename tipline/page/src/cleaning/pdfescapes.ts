// Names and strings of PDF, decoded (ISO 32000-1, 7.3.4 and 7.3.5), byte by byte: there may be as
// many escapes in one as there are bytes in the file.

import { textOf } from "./bytes.js";

const [HASH, BACKSLASH, NEW_LINE, RETURN, ZERO, SEVEN] = [0x23, 0x5c, 0x0a, 0x0d, 0x30, 0x37];
// n, r, t, b, f.
const ESCAPED: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x62, 0x08],
  [0x66, 0x0c],
]);

const PART_BYTES = 8192; // as many arguments as every engine takes

/** The value of a digit in base 16; -1 if it is none. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Bytes as a text, one character for each, however many they are. */
export function longText(data: Uint8Array): string {
  if (data.length <= PART_BYTES) return textOf(data);
  const parts: string[] = [];
  for (let at = 0; at < data.length; at += PART_BYTES) {
    const part: unknown = data.subarray(at, at + PART_BYTES);
    // Not spread: that takes five times as long.
    parts.push(String.fromCharCode.apply(null, part as number[]));
  }
  return parts.join("");
}

/** Decode a name, which is without its slash; `stray` stands for a sign without two digits. */
export function unescapeName(raw: string, stray: number = HASH): string {
  if (!raw.includes("#")) return raw;
  const out = new Uint8Array(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (code !== HASH) {
      out[length++] = code;
      continue;
    }
    // Beyond the end there is no digit: NaN is none.
    const [high, low] = [hexDigit(raw.charCodeAt(at + 1)), hexDigit(raw.charCodeAt(at + 2))];
    const isByte = high >= 0 && low >= 0;
    out[length++] = isByte ? high * 16 + low : stray;
    if (isByte) at += 2;
  }
  return longText(out.subarray(0, length));
}

/** Decode a string, which is without its brackets. */
export function unescapeString(raw: string): string {
  if (!raw.includes("\\") && !raw.includes("\r")) return raw;
  const out = new Uint8Array(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    let code = raw.charCodeAt(at);
    if (code === RETURN) {
      // A return that is not escaped is a new line, in any of its three spellings.
      if (raw.charCodeAt(at + 1) === NEW_LINE) at++;
      code = NEW_LINE;
    } else if (code === BACKSLASH && at + 1 < raw.length) {
      code = raw.charCodeAt(++at);
      if (code === NEW_LINE || code === RETURN) {
        if (code === RETURN && raw.charCodeAt(at + 1) === NEW_LINE) at++;
        continue; // a line that goes on
      }
      if (isOctal(code)) {
        let value = code - ZERO;
        for (let i = 0; i < 2 && isOctal(raw.charCodeAt(at + 1)); i++) {
          value = value * 8 + raw.charCodeAt(++at) - ZERO;
        }
        code = value;
      } else {
        code = ESCAPED.get(code) ?? code;
      }
    }
    out[length++] = code; // of more than a byte the lower one
  }
  return longText(out.subarray(0, length));
}

/** Decode digits of bytes; what is missing of the last one is 0, and all that is no digit nothing. */
export function decodeHex(digits: string): string {
  const out = new Uint8Array(Math.ceil(digits.length / 2));
  let count = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = hexDigit(digits.charCodeAt(at));
    if (digit < 0) continue;
    const index = count++ >> 1;
    out[index] = (out[index] as number) | (count % 2 === 1 ? digit << 4 : digit);
  }
  return longText(out.subarray(0, (count + 1) >> 1));
}

function isOctal(code: number): boolean {
  return code >= ZERO && code <= SEVEN;
}
