// A PDF written anew, always in the same way: no id, no date, no program, plain numbers of objects.

import { type Bytes, join, latin1 } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";

const MAX_OBJECTS = 200_000; // a book of a thousand pages has about ten thousand
const MAX_WRITTEN_BYTES = 128 * 1024 * 1024; // twice what is read at most

// The second line says to whoever carries the file that it is no text.
export const FILE_HEAD = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

/** Collects objects by number, and writes them in order. */
export class PdfWriter {
  readonly #objects: (Bytes | string | undefined)[] = [];
  #lengthBytes = 0;

  /** Give out the next number, from 1 on. */
  reserve(): number {
    if (this.#objects.length >= MAX_OBJECTS) throw new CleaningRefusal("too-complex");
    return this.#objects.push(undefined);
  }

  /** Write an object: what stands between `obj` and `endobj`. A text has a character a byte. */
  put(number: number, body: Bytes | string): void {
    this.#lengthBytes += body.length;
    if (this.#lengthBytes > MAX_WRITTEN_BYTES) throw new CleaningRefusal("too-complex");
    this.#objects[number - 1] = body;
  }

  /** Write the whole file; `root` is the number of the catalogue. */
  build(root: number): Bytes {
    const offsets: number[] = [];
    let at = FILE_HEAD.length;
    const heads = this.#objects.map((body, i) => {
      const head = `${i + 1} 0 obj\n`;
      offsets.push(at);
      at += head.length + (body ?? NULL).length + TAIL.length;
      return head;
    });
    const count = offsets.length + 1;
    const table = [`xref\n0 ${count}\n0000000000 65535 f \n`];
    for (const offset of offsets) table.push(`${String(offset).padStart(10, "0")} 00000 n \n`);
    table.push(`trailer\n<< /Size ${count} /Root ${root} 0 R >>\nstartxref\n${at}\n%%EOF\n`);
    const end = latin1(table.join(""));
    // Put in their places one by one: it may be all the memory that there is.
    const file = new Uint8Array(at + end.length);
    file.set(latin1(FILE_HEAD), 0);
    this.#objects.forEach((body, i) => {
      const written = join(heads[i] as string, body ?? NULL, TAIL);
      file.set(written, offsets[i] as number);
      this.#objects[i] = undefined;
    });
    file.set(end, at);
    return file;
  }
}

const NULL = "null";
const TAIL = "\nendobj\n";

/** Write a dictionary of names that need no escape and values that are written already. */
export function formatDictionary(entries: ReadonlyMap<string, string>): string {
  const parts = Array.from(entries, ([name, value]) => `/${name} ${value} `);
  return `<< ${parts.join("")}>>`;
}

/** Write a stream: the entries but for its length, and the data, coded as they say. */
export function formatStream(entries: ReadonlyMap<string, string>, data: Bytes): Bytes {
  const all = new Map(entries).set("Length", String(data.length));
  return join(formatDictionary(all), "\nstream\n", data, "\nendstream");
}
