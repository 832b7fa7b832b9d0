// Checksums of Ogg's pages (RFC 3533 section 6), and how they change with a few bytes of a page.
//
// The polynomial is 04c11db7, first bit first, nothing inverted: so where bytes of a page change, its
// checksum changes by that of the difference, which is zero but for these bytes. The rest need not
// be read.

const POLYNOMIAL = 0x04c11db7;
const VALUES = 256;

/** What becomes of a register, by the place of a byte in it and the byte's value, in one row. */
type Table = Int32Array;

const ONE_ZERO: Table = Int32Array.from({ length: 4 * VALUES }, (_, index) => {
  let register = (index % VALUES) << (8 * Math.floor(index / VALUES));
  for (let bit = 0; bit < 8; bit++) {
    register = register < 0 ? POLYNOMIAL ^ (register << 1) : register << 1;
  }
  return register;
});
const HIGHEST = 3 * VALUES; // where the register's first byte is looked up

// By the power of two of how many zeros are passed: made when the first page needs one.
const TABLES: Table[] = [ONE_ZERO];

/** The checksum of a page, its own being 0, or of a part that begins it. */
export function computeChecksum(data: Uint8Array): number {
  let register = 0;
  for (let i = 0; i < data.length; i++) {
    register =
      (register << 8) ^ (ONE_ZERO[HIGHEST + ((register >>> 24) ^ (data[i] as number))] as number);
  }
  return register >>> 0;
}

/** The checksum of bytes that zeros follow: up to 2 to the 17th. */
export function addZeros(checksum: number, zeroCount: number): number {
  let register = checksum;
  for (let power = 0, left = zeroCount; left > 0; power++, left >>>= 1) {
    if (left & 1) register = lookUp(makeTable(power), register);
  }
  return register >>> 0;
}

function lookUp(table: Table, register: number): number {
  return (
    (table[register & 255] as number) ^
    (table[VALUES + ((register >>> 8) & 255)] as number) ^
    (table[2 * VALUES + ((register >>> 16) & 255)] as number) ^
    (table[HIGHEST + (register >>> 24)] as number)
  );
}

function makeTable(power: number): Table {
  const made = TABLES[power];
  if (made !== undefined) return made;
  const half = makeTable(power - 1);
  const table = half.map((register) => lookUp(half, register));
  TABLES[power] = table;
  return table;
}
