// Characters that nobody sees, and that a text may be marked with for one reader.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/invisible.py keeps them in
// Python.

const HYPHEN = "\u00ad";
const UNNEEDED =
  /[\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e00ff}\u{e01f0}-\u{e0fff}]/gu;
const VARIANT =
  /(?<![#*0-9\u00a9\u00ae\u1000-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ufdff\ufe10-\ufefe\uff01-\uffef\u{10000}-\u{dffff}])[\ufe00-\ufe0f]|(?<![\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}])[\u{e0100}-\u{e01ef}]|(?<![\u0591-\u05c7])\u034f/gu;
/** Behind a variant, too: pictures of people are joined so. */
const JOINER =
  /(?<![\u0590-\u1fff\u2190-\u2bff\u3001-\ufdff\ufe0f\ufe70-\ufefc\u{10000}-\u{dffff}])[\u200c\u200d]/gu;
// eslint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** Remove characters that nobody sees; `isTypeset` if a program breaks lines at soft hyphens. */
export function removeInvisible(text: string, isTypeset: boolean): string {
  if (ASCII.test(text)) return text;
  const plain = isTypeset ? text : text.replaceAll(HYPHEN, "");
  // In this order: what stands behind something that goes is judged by what is before it then.
  return plain.replace(UNNEEDED, "").replace(VARIANT, "").replace(JOINER, "");
}
