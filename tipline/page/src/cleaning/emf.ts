// EMF (MS-EMF): drawings of Windows inside documents, records that draw one after the other.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/emf.py keeps them in Python.

import { type Bytes, joinAll, littleEndian, startsWith } from "./bytes.js";
import { REWRITERS } from "./emfrecords.js";
import { CleaningRefusal } from "./errors.js";
import { type Drawing, EMF } from "./metafilerules.js";
import type { Kind } from "./plan.js";

const MAX_RECORDS = 1_000_000; // a map of a town has about 100,000
const RECORD_BYTES = 8; // a record's number and length
const END_RECORD = 14;
const COMMENT = 70;
const SIGNATURE = " EMF";
const SIGNATURE_AT = 40;
const HEAD_BYTES = 88;
const END_BYTES = 20;
const PLUS = "EMF+";
const PLUS_RECORD_BYTES = 12;
const PLUS_HEAD = 0x4001;
const PLUS_IS_DUAL = 1;

/** Whether a record of EMF+ draws; the others set a state, or say what is drawn with. */
function isDrawing(number: number): boolean {
  return (0x4009 <= number && number <= 0x401c) || number === 0x4036;
}

/** Tell EMF by its first bytes. */
export function isEmf(untrusted: Bytes): boolean {
  const isFirst = startsWith(untrusted, "\x01\0\0\0");
  return isFirst && startsWith(untrusted.subarray(SIGNATURE_AT), SIGNATURE);
}

/** Clean an EMF. */
export function cleanEmf(untrusted: Bytes): Promise<Drawing> {
  return new Reader(untrusted).read();
}

class Reader {
  readonly #kinds = new Set<Kind>();
  readonly #out: Bytes[] = [];
  #keptCount = 1; // with the head
  #isDual = false;
  #isDrawnOtherwise = false;

  constructor(private readonly data: Bytes) {}

  async read(): Promise<Drawing> {
    const { data } = this;
    let at = this.#readHead();
    let beganAt = at; // where records begin that stay as they are
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let i = 0; i < MAX_RECORDS; i++) {
      if (at + RECORD_BYTES > data.length) throw new CleaningRefusal("truncated");
      const number = view.getUint32(at, true);
      const size = view.getUint32(at + 4, true);
      const wanted = EMF.fixed.get(number);
      if (size === wanted) {
        this.#keptCount++;
        at += size;
        continue;
      }
      if (wanted !== undefined || size < RECORD_BYTES || size % 4 !== 0) {
        throw new CleaningRefusal("malformed");
      }
      if (at + size > data.length) throw new CleaningRefusal("truncated");
      this.#out.push(data.subarray(beganAt, at));
      beganAt = at + size;
      if (number === END_RECORD) return this.#finish(beganAt);
      await this.#readRecord(number, data.subarray(at, beganAt));
      at += size;
    }
    throw new CleaningRefusal("too-complex");
  }

  #readHead(): number {
    if (this.data.length < HEAD_BYTES) throw new CleaningRefusal("truncated");
    const size = littleEndian(this.data, 4, 4);
    if (size < HEAD_BYTES || size % 4 !== 0) throw new CleaningRefusal("malformed");
    if (littleEndian(this.data, 60, 4) !== 0) this.#kinds.add("software").add("text");
    if (littleEndian(this.data, 68, 4) !== 0) this.#kinds.add("other");
    return size;
  }

  async #readRecord(number: number, record: Bytes): Promise<void> {
    const dropped = EMF.dropped.get(number);
    if (number === COMMENT) {
      this.#readComment(record);
    } else if (dropped !== undefined) {
      this.#kinds.add(dropped);
    } else {
      const rewrite = REWRITERS.get(number);
      if (rewrite === undefined) throw new CleaningRefusal("unsupported");
      const written = rewrite(record);
      this.#out.push(written instanceof Promise ? await written : written);
      this.#keptCount++;
    }
  }

  #readComment(record: Bytes): void {
    if (!startsWith(record.subarray(12), PLUS)) {
      this.#kinds.add("text");
      return;
    }
    this.#kinds.add("other");
    for (let at = 16; at + PLUS_RECORD_BYTES <= record.length;) {
      const number = littleEndian(record, at, 2);
      const size = littleEndian(record, at + 4, 4);
      if (number === PLUS_HEAD) {
        this.#isDual = (littleEndian(record, at + 2, 2) & PLUS_IS_DUAL) !== 0;
      }
      if (isDrawing(number)) this.#isDrawnOtherwise = true;
      if (size < PLUS_RECORD_BYTES) break;
      at += size;
    }
  }

  #finish(end: number): Drawing {
    if (this.#isDrawnOtherwise && !this.#isDual) throw new CleaningRefusal("unsupported");
    if (end !== this.data.length) this.#kinds.add("trailing");
    const last = new Uint8Array(END_BYTES);
    last.set([END_RECORD, 0, 0, 0, END_BYTES]);
    last.set([16], 12);
    last.set([END_BYTES], 16);
    const head = this.data.slice(0, HEAD_BYTES);
    const content = joinAll([head, ...this.#out, last]);
    const fields = new DataView(content.buffer);
    fields.setUint32(4, HEAD_BYTES, true);
    fields.setUint32(44, 0x10000, true);
    fields.setUint32(48, content.length, true);
    fields.setUint32(52, this.#keptCount + 1, true);
    content.fill(0, 58, 72);
    return { content, kinds: this.#kinds };
  }
}
