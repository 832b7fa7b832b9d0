// WAV: a RIFF file of chunks, of which two or three are sound.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/wav.py keeps them in Python.

import { type Bytes, encodeLittleEndian, join, littleEndian, startsWith, textOf } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { findXmpKinds, MAX_XMPS } from "./labels.js";
import { type Kind, type Plan, PlanBuilder, type Range } from "./plan.js";
import { WAV_CHUNK_KINDS, WAV_INFO_KINDS } from "./rules.js";
import { findId3Kinds, measureId3 } from "./soundtags.js";
import type { Source } from "./source.js";

const HEAD_BYTES = 12; // RIFF, its length, WAVE
const CHUNK_HEAD_BYTES = 8;
const MAX_LOOKED_AT_BYTES = 1024 * 1024; // of a chunk that goes
const PLAIN_BYTES = 16;
const EXTENSIBLE = 0xfffe;
const EXTENSIBLE_BYTES = 40;
const EXTENSIBLE_SUFFIX = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
const PLAIN = [1, 3]; // integers, floating point
const COMPANDED = [6, 7]; // A-law, mu-law
// Of codings that say more: how long "fmt " is. Microsoft's and IMA's ADPCM, GSM 6.10.
const CODED_BYTES: ReadonlyMap<number, number> = new Map([
  [0x0002, 50],
  [0x0011, 20],
  [0x0031, 20],
]);
const FACT_BYTES = 4;

/** Tell a WAV by its first bytes, or its sibling for long files. */
export function isWav(head: Uint8Array): boolean {
  const isForm = startsWith(head, "RIFF") || startsWith(head, "RF64");
  return isForm && startsWith(head.subarray(8), "WAVE");
}

/** Plan the cleaning of a file that `isWav`. */
export function planWav(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

const XMP = "_PMX";

class Reader {
  readonly #builder: PlanBuilder;
  #format: Bytes | undefined;
  #fact: Bytes | undefined;
  #data: Range | undefined;
  #xmpCount = 0;

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("wav", source);
  }

  async read(): Promise<Plan> {
    const head = (await this.source.read(0, 8)).slice();
    if (!startsWith(head, "RIFF")) throw new CleaningRefusal("unsupported");
    const end = CHUNK_HEAD_BYTES + littleEndian(head, 4, 4);
    // Some leave the last filling byte out, of the file or of the length.
    if (end < HEAD_BYTES) throw new CleaningRefusal("malformed");
    if (end > this.source.lengthBytes + 1) throw new CleaningRefusal("truncated");
    await this.#readChunks(Math.min(end, this.source.lengthBytes));
    if (end + (end % 2) < this.source.lengthBytes) this.#builder.find("trailing");
    if (this.#format === undefined || this.#data === undefined) {
      throw new CleaningRefusal("malformed");
    }
    return this.#build(this.#format, this.#data);
  }

  async #readChunks(end: number): Promise<void> {
    for (let position = HEAD_BYTES; position < end;) {
      this.#builder.countPart();
      if (position + CHUNK_HEAD_BYTES > end) throw new CleaningRefusal("malformed");
      const head = await this.source.read(position, CHUNK_HEAD_BYTES);
      const name = textOf(head.subarray(0, 4));
      const start = position + CHUNK_HEAD_BYTES;
      const length = littleEndian(head, 4, 4);
      if (start + length > end) throw new CleaningRefusal("truncated");
      await this.#readChunk(name, start, length);
      position = start + length + (length % 2);
    }
  }

  async #readChunk(name: string, start: number, length: number): Promise<void> {
    if (name === "fmt ") {
      if (this.#format !== undefined || length > MAX_LOOKED_AT_BYTES) {
        throw new CleaningRefusal("malformed");
      }
      this.#format = formatCoding((await this.source.read(start, length)).slice());
    } else if (name === "data") {
      if (this.#format === undefined || this.#data !== undefined || length === 0) {
        throw new CleaningRefusal("malformed");
      }
      this.#data = { offset: start, lengthBytes: length };
    } else if (name === "wavl") {
      throw new CleaningRefusal("unsupported");
    } else if (name === "fact" && length === FACT_BYTES && !this.#fact && this.#isCoded()) {
      this.#fact = (await this.source.read(start - CHUNK_HEAD_BYTES, 8 + FACT_BYTES)).slice();
    } else {
      const content = await this.source.read(start, Math.min(length, MAX_LOOKED_AT_BYTES));
      if (name === XMP) this.#xmpCount++;
      const isSearched = name !== XMP || this.#xmpCount <= MAX_XMPS;
      const kinds = isSearched ? findChunkKinds(name, content) : (["other"] as const);
      this.#builder.find(...kinds);
    }
  }

  #isCoded(): boolean {
    return this.#format !== undefined && this.#format.length > PLAIN_BYTES;
  }

  #build(format: Bytes, data: Range): Promise<Plan> {
    const { offset, lengthBytes } = data;
    const coding = join("fmt ", encodeLittleEndian(format.length, 4), format, this.#fact ?? "");
    const head = join("WAVE", coding, "data", encodeLittleEndian(lengthBytes, 4));
    const filling = lengthBytes % 2;
    const size = head.length + lengthBytes + filling;
    this.#builder.write(join("RIFF", encodeLittleEndian(size, 4), head));
    this.#builder.keep(offset, lengthBytes);
    if (filling > 0) this.#builder.write(new Uint8Array(filling));
    return this.#builder.build();
  }
}

/** How sound is coded, without what plain samples do not need. */
function formatCoding(untrusted: Bytes): Bytes {
  if (untrusted.length < PLAIN_BYTES) throw new CleaningRefusal("malformed");
  const tag = littleEndian(untrusted, 0, 2);
  const moreBytes = littleEndian(untrusted, PLAIN_BYTES, 2);
  if (PLAIN.includes(tag)) return untrusted.slice(0, PLAIN_BYTES);
  if (COMPANDED.includes(tag)) return join(untrusted.subarray(0, PLAIN_BYTES), 0, 0);
  const length = tag === EXTENSIBLE ? EXTENSIBLE_BYTES : CODED_BYTES.get(tag);
  if (length === undefined) throw new CleaningRefusal("unsupported");
  if (untrusted.length !== length || moreBytes !== length - PLAIN_BYTES - 2) {
    throw new CleaningRefusal("malformed");
  }
  if (tag === EXTENSIBLE) {
    const below = littleEndian(untrusted, 24, 2);
    const isKnown = PLAIN.includes(below) || COMPANDED.includes(below);
    if (!isKnown || !startsWith(untrusted.subarray(26), EXTENSIBLE_SUFFIX)) {
      throw new CleaningRefusal("unsupported");
    }
  }
  return untrusted;
}

/** The kinds in a chunk that goes; `untrusted` is its content, or the beginning of it. */
function findChunkKinds(name: string, untrusted: Uint8Array): readonly Kind[] {
  if (name === "LIST" && startsWith(untrusted, "INFO")) return findInfoKinds(untrusted);
  if (name === XMP) return findXmpKinds(untrusted);
  if (/^id3 $/i.test(name) && measureId3(untrusted.subarray(0, 10)) > 0) {
    return findId3Kinds(untrusted);
  }
  return WAV_CHUNK_KINDS.get(name) ?? ["other"];
}

function findInfoKinds(untrusted: Uint8Array): readonly Kind[] {
  const found = new Set<Kind>();
  for (let position = 4; position + CHUNK_HEAD_BYTES <= untrusted.length;) {
    const length = littleEndian(untrusted, position + 4, 4);
    const name = textOf(untrusted.subarray(position, position + 4));
    for (const kind of WAV_INFO_KINDS.get(name) ?? ["other" as const]) found.add(kind);
    position += CHUNK_HEAD_BYTES + length + (length % 2);
  }
  return found.size > 0 ? [...found] : ["other"];
}
