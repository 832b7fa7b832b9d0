// A PDF that was cleaned before, told by its bytes.
//
// No two programs compress alike. What Python wrote would not be what the page writes, byte for byte,
// though nothing in it goes: then the file stays as it is. It has to be written as `pdfwriter.ts`
// writes, to the last byte, and every stream has to hold the same and nothing behind its end,
// in about as many bytes: a compressor may say a thing in many ways, and one who chooses among them
// writes a text.

import { type Bytes, isSame, startsWith, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { Budget, decodeFilters, measureDeflated } from "./pdffilters.js";
import { findWord } from "./pdfsearch.js";
import { longText } from "./pdfescapes.js";
import { FILE_HEAD, PdfWriter } from "./pdfwriter.js";

const NUMBER = /^[0-9]{1,6} 0 obj\n/;
const NUMBER_BYTES = 16;
const HEAD = /^(<< [^]*)\/Length ([0-9]{1,9}) >>$/;
const [STREAM, END, STREAM_END] = ["\nstream\n", "\nendobj\n", "\nendstream"];
const DEFLATED = "/Filter /FlateDecode ";
// Compressors differ by a twentieth; the bytes are for streams that are short.
const MAX_LONGER_SHARE = 8;
const MAX_LONGER_BYTES = 64;
const INFLATE = [{ name: "FlateDecode", parameters: new Map<string, number>() }];

/** What stands between `obj` and `endobj`; of a stream what its dictionary says, and the data. */
interface Listed {
  readonly body: Bytes;
  readonly head: string | undefined;
  readonly data: Bytes;
}

/** Whether a file is what is written of it, but for the way in which it is compressed. */
export async function isSameAgain(untrusted: Bytes, written: Bytes): Promise<boolean> {
  if (!startsWith(untrusted, FILE_HEAD)) return false;
  const writer = new PdfWriter();
  const theirs = listObjects(untrusted);
  for (const ours of listObjects(written)) {
    const other = theirs.next().value;
    if (other === undefined || !(await isSameObject(other, ours))) return false;
    writer.put(writer.reserve(), other.body);
  }
  return isSame(writer.build(1), untrusted);
}

/** List the objects of a file, as long as they are written as ours. */
function* listObjects(data: Bytes): Generator<Listed, undefined, void> {
  let position = FILE_HEAD.length;
  let streamAt = 0;
  for (;;) {
    const number = NUMBER.exec(textOf(data.subarray(position, position + NUMBER_BYTES)))?.[0];
    if (number === undefined) return undefined;
    const start = position + number.length;
    let end = findWord(data, END, start);
    if (end < 0) return undefined;
    if (streamAt >= 0 && streamAt < start) streamAt = findWord(data, STREAM, start); // once each
    if (streamAt < 0 || streamAt > end) {
      yield { body: data.subarray(start, end), head: undefined, data: new Uint8Array(0) };
    } else {
      const head = HEAD.exec(longText(data.subarray(start, streamAt)));
      if (head === null) return undefined;
      const dataAt = streamAt + STREAM.length;
      const dataEnd = dataAt + Number(head[2]);
      end = dataEnd + STREAM_END.length;
      const body = data.subarray(start, end);
      yield { body, head: head[1] as string, data: data.subarray(dataAt, dataEnd) };
    }
    position = end + END.length;
  }
}

async function isSameObject(other: Listed, ours: Listed): Promise<boolean> {
  if (isSame(other.body, ours.body)) return true;
  if (ours.head?.includes(DEFLATED) !== true || other.head !== ours.head) return false;
  const mostBytes = Math.floor(ours.data.length / MAX_LONGER_SHARE) + MAX_LONGER_BYTES;
  if (other.data.length - ours.data.length > mostBytes) return false;
  const inflated = await decodeFilters(ours.data, INFLATE, new Budget());
  const limit = Math.max(inflated.length, other.data.length);
  try {
    const length = await measureDeflated(other.data, new Budget(limit));
    if (length !== other.data.length) return false;
    return isSame(await decodeFilters(other.data, INFLATE, new Budget(limit)), inflated);
  } catch (error) {
    if (!(error instanceof CleaningRefusal)) throw error;
    return false;
  }
}
