// What a PDF may make objects of, told by a look at its bytes before anything is made of them.
//
// That is all that is no stream, and what is inflated out of streams of objects: those have an entry
// that no other stream has. The same look as in tipline/cleaning/pdf_document.py, so that both
// languages refuse the same files.

import { type Bytes, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { Budget, measureDeflated } from "./pdffilters.js";
import { findWord } from "./pdfsearch.js";
import { longText } from "./pdfescapes.js";

export const MAX_OBJECT_BYTES = 16 * 1024 * 1024; // a handbook of a thousand pages has about ten

const [STREAM, END_OF_STREAM, END] = ["stream", "endstream", "end"];
const [NEW_LINE, RETURN, ZLIB] = [0x0a, 0x0d, 0x78];
const LEVELS: readonly number[] = [0x01, 0x5e, 0x9c, 0xda];
// What only streams of objects have; in other places it is followed by a reference. Names may have
// letters by their numbers.
const PACKED =
  /\/(?:F|#46)(?:i|#69)(?:r|#72)(?:s|#73)(?:t|#74)(?=([\t-\r ]+[0-9]+))\1(?![\t-\r ]+[0-9]+[\t-\r ]+R)/;
const CODED = /\/(?:LZW|RunLength|ASCII85|ASCIIHex)Decode|\/(?:LZW|RL|A85|AHx)(?![0-9A-Za-z_])/;

/** Hold that a file is within the bounds. */
export async function checkObjects(untrusted: Bytes): Promise<void> {
  const [texts, packed] = [new Budget(MAX_OBJECT_BYTES), new Budget(MAX_OBJECT_BYTES)];
  let [before, behind] = [0, 0];
  let isPacked = false;
  for (let at = findStream(untrusted, 0); at >= 0; at = findStream(untrusted, before)) {
    const start = at + STREAM.length + (untrusted[at + STREAM.length] === RETURN ? 2 : 1);
    const text = longText(untrusted.subarray(before, at));
    isPacked ||= (text.includes("First") || text.includes("#")) && PACKED.test(text);
    if (isPacked && untrusted[start] === ZLIB && LEVELS.includes(untrusted[start + 1] as number)) {
      const end = findWord(untrusted, END_OF_STREAM, start);
      const length = await measureDeflated(
        untrusted.subarray(start, end < 0 ? undefined : end),
        packed,
      );
      packed.spend(length); // one may lie in another, and what comes out be nothing
      isPacked = false;
    } else if (isPacked && CODED.test(text)) {
      throw new CleaningRefusal("unsupported"); // nobody writes objects so
    }
    before = start;
    if (at < behind) continue;
    texts.spend(at - behind);
    behind = findWord(untrusted, END_OF_STREAM, before);
    if (behind < 0) return;
  }
  texts.spend(untrusted.length - behind);
}

/** The next place where the word stands that a stream begins behind: a line ends with it. */
function findStream(data: Bytes, from: number): number {
  for (let at = findWord(data, STREAM, from); at >= 0;) {
    const behind = at + STREAM.length;
    const next = data[behind] === RETURN ? data[behind + 1] : data[behind];
    const isEnd = startsWith(data.subarray(Math.max(0, at - END.length), at), END);
    if (next === NEW_LINE && !isEnd) return at;
    at = findWord(data, STREAM, behind);
  }
  return -1;
}
