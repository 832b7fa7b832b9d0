// GIF (87a and 89a): a screen, and blocks until the trailer.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/gif.py keeps them in Python.

import { join, startsWith } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { findXmpKinds } from "./labels.js";
import { type Plan, PlanBuilder } from "./plan.js";
import type { Source } from "./source.js";

export const SIGNATURES = ["GIF87a", "GIF89a"];

const MAX_LOOKED_AT_BYTES = 64 * 1024; // of an extension that goes
const SCREEN_BYTES = 13; // with the signature
const ASPECT = 12; // where the pixels' shape is said
const IMAGE_BYTES = 10; // with its mark
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;
const CONTROL = 0xf9;
const COMMENT = 0xfe;
const PLAIN_TEXT = 0x01;
const APPLICATION = 0xff;
const CONTROL_BYTES = 8; // from mark to terminator
const LOOP = "\x21\xff\x0bNETSCAPE2.0\x03\x01";
const LOOP_BYTES = 19; // and a count of two bytes, and the terminator
const XMP = "\x21\xff\x0bXMP DataXMP";
const MAX_CODE_SIZE = 11;

/** Plan the cleaning of a file that begins with one of `SIGNATURES`. */
export function planGif(source: Source): Promise<Plan> {
  return new Reader(source).read();
}

class Reader {
  readonly #builder: PlanBuilder;
  #control: number | undefined; // where the control of the next image is
  #imageCount = 0;

  constructor(private readonly source: Source) {
    this.#builder = new PlanBuilder("gif", source);
  }

  async read(): Promise<Plan> {
    let position = await this.#keepScreen();
    for (;;) {
      this.#builder.countPart();
      const next = this.#passComment(position);
      if (next !== undefined) {
        position = next;
        continue;
      }
      const mark = await this.source.byteAt(position);
      if (mark === TRAILER) break;
      if (mark === IMAGE) position = await this.#keepImage(position);
      else if (mark === EXTENSION) position = await this.#readExtension(position);
      else throw new CleaningRefusal("malformed");
    }
    if (this.#imageCount === 0) throw new CleaningRefusal("malformed");
    if (this.#control !== undefined) this.#builder.find("other");
    this.#builder.keep(position, 1);
    if (position + 1 < this.source.lengthBytes) this.#builder.find("trailing");
    return this.#builder.build();
  }

  /** Keep the screen and its colours; return where the first block is. */
  async #keepScreen(): Promise<number> {
    const screen = await this.source.read(0, SCREEN_BYTES);
    const end = SCREEN_BYTES + measureColours(screen[10] as number);
    this.source.check(0, end);
    if (screen[ASPECT] === 0) {
      this.#builder.keep(0, end);
      return end;
    }
    this.#builder.write(join(screen.subarray(0, ASPECT), 0));
    if (end > SCREEN_BYTES) this.#builder.keep(SCREEN_BYTES, end - SCREEN_BYTES);
    return end;
  }

  /** Keep an image and its control; return where the next block is. */
  async #keepImage(position: number): Promise<number> {
    const image = await this.source.read(position, IMAGE_BYTES);
    const data = position + IMAGE_BYTES + measureColours(image[9] as number);
    const codeSize = await this.source.byteAt(data);
    if (codeSize < 1 || codeSize > MAX_CODE_SIZE) throw new CleaningRefusal("malformed");
    const end = await this.#findEnd(data + 1);
    if (this.#control !== undefined) {
      this.#builder.keep(this.#control, CONTROL_BYTES);
      this.#control = undefined;
    }
    this.#builder.keep(position, end - position);
    this.#imageCount++;
    return end;
  }

  /**
   * Drop a comment that lies in memory already, and return where the next block is. Where there are
   * many, waiting for each would take ten times as long.
   */
  #passComment(position: number): number | undefined {
    const head = this.source.peek(position, 2);
    if (head?.[0] !== EXTENSION || head[1] !== COMMENT) return undefined;
    let partLen = 0;
    let at = position + 2;
    for (let length = 1; length !== 0; at += 1 + length) {
      const found = this.source.peek(at, 1)?.[0];
      if (found === undefined) return undefined; // read from its begin, part by part
      length = found;
      if (length !== 0) partLen++;
    }
    for (; partLen > 0; partLen--) this.#builder.countPart();
    this.#builder.find("text");
    return at;
  }

  /** Follow blocks of up to 255 bytes to the empty one; return what is behind it. */
  async #findEnd(first: number): Promise<number> {
    let position = first;
    for (;;) {
      const length = this.source.peek(position, 1)?.[0] ?? (await this.source.byteAt(position));
      if (length === 0) return position + 1;
      this.#builder.countPart();
      position += 1 + length;
    }
  }

  /** Keep or drop an extension; return where the next block is. */
  async #readExtension(position: number): Promise<number> {
    const label = (await this.source.read(position, 2))[1] as number;
    const end = await this.#findEnd(position + 2);
    const length = end - position;
    if (label === CONTROL) {
      const content = await this.source.read(position, Math.min(length, CONTROL_BYTES));
      if (length !== CONTROL_BYTES || content[2] !== CONTROL_BYTES - 4) {
        throw new CleaningRefusal("malformed");
      }
      if (this.#control !== undefined) this.#builder.find("other");
      this.#control = position;
      return end;
    }
    const head = await this.source.readUpTo(position, Math.min(length, MAX_LOOKED_AT_BYTES));
    if (startsWith(head, LOOP) && length === LOOP_BYTES) {
      this.#builder.keep(position, LOOP_BYTES);
    } else if (label === APPLICATION && startsWith(head, XMP)) {
      this.#builder.find(...findXmpKinds(head));
    } else if (label === COMMENT || label === PLAIN_TEXT) {
      this.#builder.find("text");
      if (label === PLAIN_TEXT) this.#control = undefined;
    } else {
      this.#builder.find("other");
    }
    return end;
  }
}

function measureColours(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}
