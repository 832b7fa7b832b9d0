// Words looked for in the bytes of a PDF, each in one walk through the file.

import type { Bytes } from "./bytes.js";

const WALKED_BYTES = 64;
const [NEW_LINE, RETURN] = [0x0a, 0x0d];

/** Where a word of two letters or more stands at or behind a place; -1 if nowhere. */
export function findWord(data: Bytes, word: string, from: number): number {
  const [first, second] = [word.charCodeAt(0), word.charCodeAt(1)];
  for (let at = data.indexOf(first, from); at >= 0; at = data.indexOf(first, at)) {
    // Where the letter is rare the jump is fast; where it is not, the walk.
    const stop = Math.min(data.length, at + WALKED_BYTES);
    for (; at < stop; at++) {
      if (data[at] === first && data[at + 1] === second && stands(data, word, at)) return at;
    }
  }
  return -1;
}

/** Where a word of two letters or more stands before a place; -1 if nowhere. */
export function findLastWord(data: Bytes, word: string, before: number): number {
  const [first, second] = [word.charCodeAt(0), word.charCodeAt(1)];
  for (let at = before - 1; at >= 0; at--) {
    at = data.lastIndexOf(first, at);
    const stop = Math.max(0, at - WALKED_BYTES);
    for (; at >= stop; at--) {
      if (data[at] === first && data[at + 1] === second && stands(data, word, at)) return at;
    }
  }
  return -1;
}

/** Whether a word stands at a place. */
function stands(data: Bytes, word: string, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (data[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** How many of these numbers, which go up, are smaller than one. */
export function countBelow(numbers: ArrayLike<number>, limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds where lines begin, from one place to the next. */
export class Lines {
  #newLine = -1;
  #return = -1;

  constructor(private readonly untrusted: Bytes) {}

  /** Where the next line begins that is not empty. */
  next(from: number): number {
    // Each sign is looked for only when the last one is passed: not from every line to the end.
    if (this.#newLine < from) this.#newLine = this.#find(NEW_LINE, from);
    if (this.#return < from) this.#return = this.#find(RETURN, from);
    let at = Math.min(this.#newLine, this.#return);
    while (this.untrusted[at] === NEW_LINE || this.untrusted[at] === RETURN) at++;
    return at;
  }

  #find(code: number, from: number): number {
    const at = this.untrusted.indexOf(code, from);
    return at < 0 ? this.untrusted.length : at;
  }
}
