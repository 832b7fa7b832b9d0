// The values of a PDF (ISO 32000-1, 7.3), as they stand in the file.
//
// Names and strings are texts of one character for each byte. What a dictionary or an array gives is
// looked up already: a reference is followed, and an entry that is null is as good as none.

/** Where a value stands that has no number of its own. */
export const DIRECT = "0 0";

/** What a reference is followed by. */
export interface Objects {
  find(number: number, generation: number): PdfValue;
}

/** What a reference leads to, or what stands in its place. */
export type PdfValue =
  null | boolean | PdfNumber | PdfName | PdfString | PdfArray | PdfDictionary | PdfStream;
export type PdfItem = PdfValue | PdfReference;

/** A number, as it is written. */
export class PdfNumber {
  constructor(
    readonly spelling: string,
    readonly isInteger: boolean,
  ) {}

  /** An integer, or any number, in its shortest spelling that has no exponent. */
  static of(value: number): PdfNumber {
    return new PdfNumber(String(value), Number.isInteger(value));
  }

  get value(): number {
    return Number(this.spelling);
  }
}

/** A name, decoded, without its slash. */
export class PdfName {
  constructor(readonly name: string) {}
}

/** A string, decoded. */
export class PdfString {
  constructor(readonly text: string) {}
}

/** Leads to an object of the file. */
export class PdfReference {
  constructor(
    readonly number: number,
    readonly generation: number,
    private readonly objects: Objects,
  ) {}

  follow(): PdfValue {
    return this.objects.find(this.number, this.generation);
  }
}

/** An array. `id` is its number and generation, `DIRECT` if it has none. */
export class PdfArray {
  constructor(
    readonly items: readonly PdfItem[],
    readonly id: string = DIRECT,
  ) {}

  get length(): number {
    return this.items.length;
  }

  /** The item at a place; null beyond the end, too. */
  at(index: number): PdfValue {
    return follow(this.items[index] ?? null);
  }

  /** All items, followed. */
  values(): PdfValue[] {
    return this.items.map(follow);
  }
}

/** A dictionary. `id` is its number and generation, `DIRECT` if it has none. */
export class PdfDictionary {
  constructor(
    readonly entries: Map<string, PdfItem> = new Map<string, PdfItem>(),
    readonly id: string = DIRECT,
  ) {}

  get isIndirect(): boolean {
    return this.id !== DIRECT;
  }

  /** The entry of a name; undefined if there is none, or it is null. */
  get(name: string): Exclude<PdfValue, null> | undefined {
    const item = this.entries.get(name);
    return item === undefined ? undefined : (follow(item) ?? undefined);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The names of all entries that are not null, in the order of their bytes. */
  keys(): string[] {
    return [...this.entries.keys()].filter((name) => this.has(name)).sort(compareNames);
  }
}

/** A stream: its dictionary's entries are read as if they were its own. */
export class PdfStream {
  constructor(
    readonly dictionary: PdfDictionary,
    private readonly readBytes: () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>,
  ) {}

  get id(): string {
    return this.dictionary.id;
  }

  /** What its filters made: a view of the file, if that is not locked. */
  async read(): Promise<Uint8Array<ArrayBuffer>> {
    return this.readBytes();
  }

  get(name: string): Exclude<PdfValue, null> | undefined {
    return this.dictionary.get(name);
  }

  has(name: string): boolean {
    return this.dictionary.has(name);
  }

  keys(): string[] {
    return this.dictionary.keys();
  }
}

/** What an item leads to; itself, if it is no reference. */
export function follow(item: PdfItem): PdfValue {
  return item instanceof PdfReference ? item.follow() : item;
}

/** Order names by their bytes. */
export function compareNames(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
