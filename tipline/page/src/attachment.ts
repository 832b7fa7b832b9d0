// A file on its way into a tip: looked at when it is chosen, and once more when it is sent.
//
// 1. The source is told which kinds of things were found, never what they said.
// 2. What is sent is what was shown: a file in which anything else is found by then is refused.
// 3. Of a file that was looked at, neither the name nor the time goes; both go with its untouched
//    original, if the source adds that.
// 4. What cannot be cleaned goes only if the source says so, and the tip says it, too.

import {
  CleanedFile,
  CleaningRefusal,
  type Format,
  type Kind,
  type Plan,
  planCleaning,
  type Reason,
} from "./cleaning/clean.js";
import { isSame } from "./cleaning/bytes.js";
import type { Readable } from "./cleaning/source.js";
import { RULES_NUMBER } from "./cleaning/rules.js";
import { ofFormat, ofName } from "./media.js";
import { Refusal } from "./refusal.js";
import type { Content } from "./tar.js";

const RANGE_BYTES = 64; // of memory, for two numbers

/** What plans may still hold in memory while their files wait to be sealed, all together. */
export interface Room {
  leftBytes: number;
}

/** What was found in a file. */
export type Look =
  | { readonly state: "cleaned"; readonly format: Format; readonly found: readonly Kind[] }
  | { readonly state: "clean"; readonly format: Format }
  | { readonly state: "uncleaned"; readonly reason: Reason };

/** A file that the source chose, and what the source was shown and decided. */
export interface ChosenFile {
  readonly file: File;
  readonly look: Look;
  /** It may be sent although it cannot be cleaned. */
  readonly isConsented: boolean;
  /** Its untouched original is sent, too. */
  readonly withOriginal: boolean;
}

/** What tip.json says of how a file was cleaned. */
export interface Cleaning {
  readonly state: Look["state"];
  readonly rules: number;
  readonly found?: readonly Kind[];
  readonly reason?: Reason;
}

/** A file as it is sealed. */
export interface Attachment {
  readonly extension: string;
  readonly type: string;
  readonly content: Content;
  readonly cleaning: Cleaning;
  /** Once its content was read: refuse if that is not what was planned. */
  readonly check?: () => Promise<void>;
  readonly original?: File;
}

/** Browsers have many errors for a file that is gone; one that this program fails at is no better. */
async function plan(file: Readable): Promise<Plan | CleaningRefusal> {
  try {
    return await planCleaning(file);
  } catch (error) {
    if (error instanceof CleaningRefusal) return error;
    throw new Refusal("file");
  }
}

function lookOf(planned: Plan | CleaningRefusal): Look {
  if (planned instanceof CleaningRefusal) return { state: "uncleaned", reason: planned.reason };
  const { format, kinds } = planned;
  return kinds.length > 0 ? { state: "cleaned", format, found: kinds } : { state: "clean", format };
}

/** Look at a file; refuses with "file" if it cannot be read. */
export async function lookAt(file: Readable): Promise<Look> {
  return lookOf(await plan(file));
}

function isSameLook(one: Look, other: Look): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isSamePlan(one: Plan, other: Plan): boolean {
  return (
    isSameLook(lookOf(one), lookOf(other)) &&
    one.pieces.length === other.pieces.length &&
    one.pieces.every((piece, index) => {
      const twin = other.pieces[index];
      if (piece instanceof Uint8Array) return twin instanceof Uint8Array && isSame(piece, twin);
      return (
        !(twin instanceof Uint8Array) &&
        piece.offset === twin?.offset &&
        piece.lengthBytes === twin.lengthBytes
      );
    })
  );
}

function cleaningOf(look: Look): Cleaning {
  return {
    state: look.state,
    rules: RULES_NUMBER,
    ...(look.state === "cleaned" && { found: look.found }),
    ...(look.state === "uncleaned" && { reason: look.reason }),
  };
}

interface Made {
  readonly planned: Plan;
  readonly content: CleanedFile;
}

/**
 * A cleaned file that waits for its turn to be sealed.
 *
 * Its plan is kept meanwhile if there is room; else it is planned once more when it is read.
 */
class WaitingFile implements Content {
  readonly size: number;
  readonly #look: Look;
  readonly #isKept: boolean;
  #made: Made | undefined;

  constructor(
    private readonly file: File,
    planned: Plan,
    room: Room,
  ) {
    const made = { planned, content: new CleanedFile(planned, file) };
    this.size = made.content.size;
    this.#look = lookOf(planned);
    const held = planned.pieces.map((piece) =>
      piece instanceof Uint8Array ? piece.length : RANGE_BYTES,
    );
    const heldBytes = held.reduce((sum, bytes) => sum + bytes, 0);
    this.#isKept = heldBytes <= room.leftBytes;
    if (this.#isKept) {
      room.leftBytes -= heldBytes;
      this.#made = made;
    }
  }

  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    return {
      arrayBuffer: async () => (await this.#make()).content.slice(start, end).arrayBuffer(),
    };
  }

  /**
   * A browser may read a file that changed under it without a word: at the places of the old one.
   *
   * Whatever is kept of a file is a part of it, so it has to be planned the same when it was read.
   */
  async check(): Promise<void> {
    const { planned } = await this.#make();
    if (!this.#isKept) this.#made = undefined;
    if (planned.pieces.every((piece) => piece instanceof Uint8Array)) return;
    const again = await plan(this.file);
    if (again instanceof CleaningRefusal || !isSamePlan(planned, again)) throw new Refusal("file");
  }

  async #make(): Promise<Made> {
    if (this.#made !== undefined) return this.#made;
    const planned = await plan(this.file);
    if (planned instanceof CleaningRefusal || !isSameLook(lookOf(planned), this.#look)) {
      throw new Refusal("file");
    }
    const content = new CleanedFile(planned, this.file);
    if (content.size !== this.size) throw new Refusal("file");
    return (this.#made = { planned, content });
  }
}

/** Make a chosen file ready to be sealed, and keep of it what there is room for. */
export async function prepareFile(chosen: ChosenFile, room: Room): Promise<Attachment> {
  const { file, look, isConsented, withOriginal } = chosen;
  const planned = await plan(file);
  // It changed on the device meanwhile: the source decided about another file.
  if (!isSameLook(lookOf(planned), look)) throw new Refusal("file");
  const cleaning = cleaningOf(look);
  if (planned instanceof CleaningRefusal) {
    if (!isConsented) throw new Refusal("uncleaned");
    return { ...ofName(file.name), content: file, cleaning };
  }
  const content = new WaitingFile(file, planned, room);
  return {
    ...ofFormat(planned.format),
    content,
    cleaning,
    check: () => content.check(),
    ...(withOriginal && { original: file }),
  };
}
