// Texts of a PDF (ISO 32000-1, 7.9.2.2, Annex D): what a person typed into a field, and the codes of
// the letters that it is drawn with.

const [UTF16, UTF16_SWAPPED, UTF8] = ["\xfe\xff", "\xff\xfe", "\xef\xbb\xbf"];
const UNKNOWN = "\ufffd";

// From 0x18 on, and from 0x80 on, PDF's own code has other letters than Latin-1.
const LOW_LETTERS = "\u02d8\u02c7\u02c6\u02d9\u02dd\u02db\u02da\u02dc";
const HIGH_LETTERS =
  "\u2022\u2020\u2021\u2026\u2014\u2013\u0192\u2044\u2039\u203a\u2212\u2030\u201e\u201c\u201d" +
  "\u2018\u2019\u201a\u2122\ufb01\ufb02\u0141\u0152\u0160\u0178\u017d\u0131\u0142\u0153\u0161\u017e" +
  "\ufffd\u20ac";
const [LOW, HIGH, DELETE, SOFT_HYPHEN] = [0x18, 0x80, 0x7f, 0xad];

/** Decode a string that is a text: its beginning tells in which code it is. */
export function decodeText(untrusted: string): string {
  if (untrusted.startsWith(UTF16)) return decodeUtf("utf-16be", untrusted, UTF16.length);
  if (untrusted.startsWith(UTF16_SWAPPED)) return decodeUtf("utf-16le", untrusted, UTF16.length);
  if (untrusted.startsWith(UTF8)) return decodeUtf("utf-8", untrusted, UTF8.length);
  return Array.from(untrusted, decodeLetter).join("");
}

function decodeUtf(code: string, untrusted: string, start: number): string {
  const data = Uint8Array.from(untrusted.slice(start), (letter) => letter.charCodeAt(0));
  return new TextDecoder(code, { ignoreBOM: true }).decode(data);
}

function decodeLetter(letter: string): string {
  const code = letter.charCodeAt(0);
  if (code === DELETE || code === SOFT_HYPHEN) return UNKNOWN;
  return LOW_LETTERS[code - LOW] ?? HIGH_LETTERS[code - HIGH] ?? letter;
}

// The letters from 0x80 on of Windows-1252 that are not Latin-1's, and those of Mac OS Roman.
const WINDOWS_LETTERS =
  "\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd" +
  "\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178";
const MAC_LETTERS =
  "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄¤‹›ﬁﬂ" +
  "‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
const MISSING = "?";
const [ASCII_END, LATIN_START, LATIN_END] = [0x80, 0xa0, 0x100];

/** The letters that ASCII has; a question mark for each other. */
export function encodeText(text: string): string {
  return encode(text, () => undefined);
}

/** The codes of letters in Windows-1252. */
export function encodeWindows(text: string): string {
  return encode(text, (letter, code) =>
    code >= LATIN_START && code < LATIN_END ? letter : encodeBy(WINDOWS_LETTERS, letter),
  );
}

/** The codes of letters in Mac OS Roman. */
export function encodeMacRoman(text: string): string {
  return encode(text, (letter) => encodeBy(MAC_LETTERS, letter));
}

function encode(text: string, find: (letter: string, code: number) => string | undefined): string {
  return Array.from(text, (letter) => {
    const code = letter.codePointAt(0) as number;
    return code < ASCII_END ? letter : (find(letter, code) ?? MISSING);
  }).join("");
}

function encodeBy(letters: string, letter: string): string | undefined {
  const place = letter === UNKNOWN ? -1 : letters.indexOf(letter);
  return place < 0 ? undefined : String.fromCharCode(HIGH + place);
}
