// The colour profile that stands in the place of any other: sRGB, the same bytes for everybody.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/srgb.py keeps them in Python.

import { type Bytes, encodeBigEndian, join, joinAll } from "./bytes.js";

// In units of 1/65536. IEC 61966-2-1's primaries and D65 (0.3127, 0.3290), adapted by Bradford's
// matrix (ISO 15076-1, annex E) to the white of profiles, D50.
const WHITE = [0xf6d6, 0x10000, 0xd32d];
const RED = [28576, 14581, 912];
const GREEN = [25239, 46983, 6361];
const BLUE = [9375, 3972, 46787];
const ADAPTATION = [68674, 1502, -3291, 1939, 64912, -1119, -606, 988, 49262];
// ((x + 0.055) / 1.055) ** 2.4, and x / 12.92 below 0.04045.
const CURVE = [157286, 62119, 3417, 5072, 2651];

const HEAD_BYTES = 128;
const ENTRY_BYTES = 12;

function fourBytes(...numbers: readonly number[]): Bytes {
  return joinAll(
    numbers.map((number) => encodeBigEndian(number < 0 ? 2 ** 32 + number : number, 4)),
  );
}

/** A head, a list of the parts, and these; equal parts stand there once. */
function formatProfile(): Bytes {
  const text = join("mluc\0\0\0\0", fourBytes(1, 12), "enUS", fourBytes(8, 28), "\0s\0R\0G\0B");
  const curve = join("para\0\0\0\0\0\x03\0\0", fourBytes(...CURVE));
  const parts = [
    ...[
      text,
      join("XYZ \0\0\0\0", fourBytes(...WHITE)),
      join("sf32\0\0\0\0", fourBytes(...ADAPTATION)),
    ],
    ...[RED, GREEN, BLUE].map((numbers) => join("XYZ \0\0\0\0", fourBytes(...numbers))),
    curve,
  ];
  const names = [
    ["desc", "cprt"],
    ["wtpt"],
    ["chad"],
    ["rXYZ"],
    ["gXYZ"],
    ["bXYZ"],
    ["rTRC", "gTRC", "bTRC"],
  ];
  let end = HEAD_BYTES + 4 + ENTRY_BYTES * names.flat().length;
  const entries: Bytes[] = [];
  for (const [number, part] of parts.entries()) {
    for (const name of names[number] ?? []) entries.push(join(name, fourBytes(end, part.length)));
    end += part.length;
  }
  const kind = join(fourBytes(0x04300000), "mntrRGB XYZ ", new Uint8Array(12), "acsp");
  const head = join(fourBytes(end, 0), kind, new Uint8Array(28), fourBytes(...WHITE));
  const rest = new Uint8Array(HEAD_BYTES - head.length);
  return joinAll([head, rest, fourBytes(entries.length), ...entries, ...parts]);
}

export const SRGB: Bytes = formatProfile();
