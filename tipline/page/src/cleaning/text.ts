// Plain text and CSV: what has no structure of its own.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/text.py keeps them in Python.

import { type Bytes, isSame, startsWith, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { removeInvisible } from "./invisible.js";
import { type Kind, type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

const MAX_TEXT_BYTES = 32 * 1024 * 1024; // ten thousand pages; memory is ten times as much
const HEAD_BYTES = 64 * 1024;

const LEAST_SHARE = 3; // of bytes in an older code, that of those beyond ASCII
const UTF8_MARK = "\xef\xbb\xbf";
const UTF16_LE_MARK = "\xff\xfe";
const UTF16_BE_MARK = "\xfe\xff";
// eslint-disable-next-line no-control-regex -- what no text holds
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]/;
// Formats that are written in text, and hold more than they show.
const OTHERS =
  /^(?:<|\{\\rtf|%!|%pdf|begin:v|from |iso-10303-21|begin [0-7]{3} |p[1-7]\n#|0\nsection\n)/i;
// A line of a mail's head, or one that goes on with it. From, To, Date, Subject are shown: people
// copy them with a text.
const FIELD = /^(?:[a-z][a-z0-9-]*:|--|[ \t])/i;
const TELLING_FIELD =
  /^(?:message-id|mime-version|received|return-path|delivered-to|user-agent|in-reply-to|envelope-to|snapshot-content-location|dkim-signature|domainkey-signature|authentication-results|(?:x|arc|content|thread|list)-[a-z-]+):/i;
const PART = /\n(?:content-transfer-encoding|snapshot-content-location):/i;
const HEAD_LINES = 100; // of a mail; what tells comes among the first
const PDF = "%PDF-";
const PDF_HEAD_BYTES = 1024; // in which viewers look for its beginning
const LONGEST_OTHER = 32;
const QUOTED = /"[^"]*"/g;
const SEPARATORS = [";", ",", "\t"];
const LOOKED_AT_LINES = 20;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Plan the cleaning of a file of no known format; `isOther` tells by first bytes which are. */
export async function planText(
  source: Source,
  isOther: (head: Uint8Array) => boolean,
): Promise<Plan> {
  const head = await source.readUpTo(0, HEAD_BYTES);
  const isLittle = startsWith(head, UTF16_LE_MARK);
  const isUtf16 = isLittle || startsWith(head, UTF16_BE_MARK);
  if (!isUtf16 && hasControl(head)) throw new CleaningRefusal("unknown");
  if (source.lengthBytes > MAX_TEXT_BYTES) throw new CleaningRefusal("too-complex");
  const data = (await source.read(0, source.lengthBytes)).slice();
  const text = decode(data, isUtf16 ? (isLittle ? "utf-16le" : "utf-16be") : "utf-8");
  const kinds = new Set<Kind>();
  const hasMark = isUtf16 || (text !== undefined && startsWith(data, UTF8_MARK));
  if (hasMark || data.includes(CARRIAGE_RETURN)) kinds.add("software");
  let cleaned: Bytes;
  let start: string;
  if (text === undefined) {
    // An older code: bytes stay as they are, but for the ends of lines.
    const highCount = data.reduce((count, byte) => count + (byte >> 7), 0);
    cleaned = endLines(data);
    // Of what is written: it is judged again.
    if (isUtf16 || hasControl(data) || highCount * LEAST_SHARE > cleaned.length) {
      throw new CleaningRefusal("unknown");
    }
    start = new TextDecoder("latin1").decode(cleaned);
  } else {
    if (CONTROL.test(text)) throw new CleaningRefusal("unknown");
    const ended = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    start = removeInvisible(ended, false);
    if (start !== ended) kinds.add("text");
    cleaned = new TextEncoder().encode(start);
  }
  if (cleaned.length === 0) throw new CleaningRefusal("empty");
  const first = start.slice(0, LONGEST_OTHER * 8).replace(/^[ \t\n\f]+/, "");
  const isPdf = textOf(cleaned.subarray(0, PDF_HEAD_BYTES)).includes(PDF);
  const isElse = OTHERS.test(first.slice(0, LONGEST_OTHER)) || isPdf || isMail(start);
  if (isElse || isOther(cleaned.subarray(0, HEAD_BYTES))) throw new CleaningRefusal("unknown");
  const builder = new PlanBuilder(findFormat(start), source);
  builder.find(...kinds);
  if (isSame(cleaned, data)) builder.keep(0, data.length);
  else builder.write(cleaned);
  return builder.build();
}

/** Decode Unicode, without its mark; undefined if it is none. */
function decode(data: Bytes, code: string): string | undefined {
  try {
    return new TextDecoder(code, { fatal: true }).decode(data);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

function hasControl(data: Uint8Array): boolean {
  return data.some(
    (byte) => (byte < 0x20 && (byte < 0x09 || byte > 0x0d || byte === 0x0b)) || byte === 0x7f,
  );
}

/** End all lines in one way. */
function endLines(data: Bytes): Bytes {
  const ended = new Uint8Array(data.length);
  let length = 0;
  data.forEach((byte, i) => {
    if (byte === CARRIAGE_RETURN && data[i + 1] === LINE_FEED) return;
    ended[length++] = byte === CARRIAGE_RETURN ? LINE_FEED : byte;
  });
  return ended.slice(0, length);
}

/** Tell a mail, or a saved page of the web, by a field that nobody reads. */
function isMail(text: string): boolean {
  for (const line of text.replace(/^[ \t\n\f]+/, "").split("\n", HEAD_LINES)) {
    if (TELLING_FIELD.test(line)) return true;
    if (!FIELD.test(line)) break;
  }
  return PART.test(text);
}

/** Tell a table from a text by its first lines. */
function findFormat(text: string): "csv" | "txt" {
  const lines = text.split("\n", LOOKED_AT_LINES).filter((line) => line !== "");
  const plain = lines.map((line) => line.replace(QUOTED, ""));
  for (const separator of SEPARATORS) {
    const counts = plain.map((line) => line.split(separator).length - 1);
    const [count = 0] = counts;
    const isSameInAll = counts.every((one) => one === count);
    if (isSameInAll && plain.length > 1 && count > 0 && plain.length + count > 3) return "csv";
  }
  return "txt";
}
