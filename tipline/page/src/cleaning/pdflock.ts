// The code that a PDF is locked with, where its password is empty: it opens for everybody, and says
// only what programs should not do (ISO 32000-1, 7.6; ISO 32000-2, 7.6).
//
// 1. Streams and strings are coded with RC4 or AES, each by a key that is made of the file's own and
//    of the number of its object; from version 5 on by the file's own.
// 2. What lies in streams of objects is coded with them, and by itself no more. Tables and what
//    stands in the trailer are not coded.
// 3. The file's key is checked. One that asks for a password, or is locked in a way that nobody
//    knows, is refused.
//
// As kind as qpdf is, which reads for Python: a filter that nobody knows is taken for AES, what is
// too short is filled up with zeros, and filling that is none stays.

import { md5 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import {
  BLOCK_BYTES,
  codeBlocks,
  decodeAes,
  decodeBlocks,
  decodeLongAes,
  findSubtle,
} from "./aes.js";
import { type Bytes, encodeLittleEndian, isSame, join, latin1 } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import { longText } from "./pdfescapes.js";
import { PdfArray, PdfDictionary, PdfName, PdfNumber, PdfString } from "./pdfobjects.js";
import { Rc4 } from "./rc4.js";
import { type Found, readName } from "./pdfvalues.js";

/** How something is coded; `plain` is not. */
type Method = "plain" | "rc4" | "aes";

const KEY_BYTES = 32; // of what O and U begin with, and of a key from version 5 on
const MAX_OBJECT_KEY_BYTES = 16;
const SALT_BYTES = 8;
const ENTRY_BYTES = KEY_BYTES + 2 * SALT_BYTES; // of O and U from version 5 on
const BITS_PER_BYTE = 8;
const [OLD_BITS, USUAL_BITS] = [40, 128];
const MD5_ROUNDS = 50;
const RC4_ROUNDS = 20;
const HASH_REPEATS = 64;
const HASH_ROUNDS = 64;
const AES_SALT = "sAlT";
const HASHES = [
  { name: "SHA-256", digest: sha256 },
  { name: "SHA-384", digest: sha384 },
  { name: "SHA-512", digest: sha512 },
] as const;
const NO_VECTOR = new Uint8Array(BLOCK_BYTES);
const NOTHING = new Uint8Array(0);
// What stands for a password, or fills one up (ISO 32000-1, 7.6.3.3, algorithm 2).
const FILLING = Uint8Array.of(
  ...[0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01],
  ...[0x08, 0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53],
  ...[0x69, 0x7a],
);

/** What is said of a file's code. */
interface Facts {
  readonly version: number;
  readonly revision: number;
  readonly keyBytes: number;
  readonly owner: Bytes;
  readonly user: Bytes;
  readonly permissions: Bytes;
  readonly id: Bytes;
  readonly codesMetadata: boolean;
}

/** The code of one object. */
interface Code {
  readonly method: Method;
  readonly id: string;
  readonly key: Bytes;
  readonly rc4: Rc4 | undefined;
}

/** A code that is open. */
export class PdfLock {
  /** The last one: an object may have a hundred thousand strings. */
  #code: Code | undefined;

  constructor(
    private readonly key: Bytes,
    private readonly hasOneKey: boolean,
    private readonly methods: { readonly streams: Method; readonly strings: Method },
    private readonly codesMetadata: boolean,
  ) {}

  /** Decode a string of an object. */
  decodeString(text: string, number: number, generation: number): string {
    const { strings } = this.methods;
    if (strings === "plain") return text;
    const { key, rc4 } = this.#findCode(strings, number, generation);
    return longText(rc4?.decode(latin1(text)) ?? decodeAes(key, latin1(text)));
  }

  /** Decode a stream; `dictionary` is its own. */
  async decodeStream(
    data: Bytes,
    dictionary: PdfDictionary,
    number: number,
    generation: number,
  ): Promise<Bytes> {
    const type = readName(dictionary.get("Type"));
    const isPlain = type === "XRef" || (type === "Metadata" && !this.codesMetadata);
    // What names a filter for its code is refused wherever it is read.
    const method = isPlain ? "plain" : this.methods.streams;
    if (method === "plain") return data;
    const { key, rc4 } = this.#findCode(method, number, generation);
    return rc4?.decode(data) ?? decodeLongAes(key, data);
  }

  #findCode(method: Method, number: number, generation: number): Code {
    const id = this.hasOneKey ? "" : `${number} ${generation}`;
    if (this.#code?.method === method && this.#code.id === id) return this.#code;
    const key = this.#makeKey(method, number, generation);
    return (this.#code = { method, id, key, rc4: method === "rc4" ? new Rc4(key) : undefined });
  }

  #makeKey(method: Method, number: number, generation: number): Bytes {
    if (this.hasOneKey) return this.key;
    const made = join(
      this.key,
      encodeLittleEndian(number % 2 ** 24, 3),
      encodeLittleEndian(generation % 2 ** 16, 2),
      method === "aes" ? AES_SALT : "",
    );
    return hashMd5(made).subarray(0, Math.min(made.length, MAX_OBJECT_KEY_BYTES));
  }
}

/** Open the code of the file that ends with this trailer. */
export async function openLock(trailer: PdfDictionary): Promise<PdfLock> {
  const said = trailer.get("Encrypt");
  if (!(said instanceof PdfDictionary) || readName(said.get("Filter")) !== "Standard") {
    throw new CleaningRefusal("encrypted");
  }
  const facts = readFacts(said, trailer.get("ID"));
  const isNewer = facts.version >= 5;
  const key = isNewer ? await openNewer(facts, said) : openOlder(facts);
  if (key === undefined) throw new CleaningRefusal("encrypted");
  const hasFilters = facts.version >= 4;
  const methods = {
    streams: hasFilters ? readMethod(said, "StmF") : "rc4",
    strings: hasFilters ? readMethod(said, "StrF") : "rc4",
  } as const;
  return new PdfLock(key, isNewer, methods, facts.codesMetadata);
}

// --- what is said ---------------------------------------------------------------------------------

function readFacts(said: PdfDictionary, ids: Found): Facts {
  const [version, revision] = [readInteger(said, "V"), readInteger(said, "R")];
  const isKnown = [1, 2, 4, 5].includes(version) && revision >= 2 && revision <= 6;
  if (!isKnown) throw new CleaningRefusal("encrypted");
  const entryBytes = version < 5 ? KEY_BYTES : ENTRY_BYTES;
  const first = ids instanceof PdfArray && ids.length === 2 ? ids.at(0) : null;
  const permissions = BigInt.asUintN(32, BigInt(readInteger(said, "P")));
  return {
    version,
    revision,
    keyBytes: readKeyBits(said, version) / BITS_PER_BYTE,
    owner: readBytes(said, "O", entryBytes, version < 5),
    user: readBytes(said, "U", entryBytes, version < 5),
    permissions: encodeLittleEndian(Number(permissions), 4),
    id: first instanceof PdfString ? latin1(first.text) : NOTHING,
    codesMetadata: version < 4 || said.get("EncryptMetadata") !== false,
  };
}

function readKeyBits(said: PdfDictionary, version: number): number {
  if (version === 1) return OLD_BITS;
  if (version !== 2) return USUAL_BITS;
  const found = said.get("Length");
  const bits = found instanceof PdfNumber && found.isInteger ? found.value : 0;
  const isPossible = bits % BITS_PER_BYTE === 0 && bits >= OLD_BITS && bits <= USUAL_BITS;
  return isPossible ? bits : USUAL_BITS;
}

function readInteger(said: PdfDictionary, name: string): number {
  const found = said.get(name);
  if (!(found instanceof PdfNumber && found.isInteger)) throw new CleaningRefusal("encrypted");
  return found.value;
}

/** The bytes of an entry, filled up with zeros; `isExact`: there may be no more. */
function readBytes(
  said: PdfDictionary,
  name: string,
  lengthBytes: number,
  isExact: boolean,
): Bytes {
  const found = said.get(name);
  if (!(found instanceof PdfString)) throw new CleaningRefusal("encrypted");
  if (isExact && found.text.length > lengthBytes) throw new CleaningRefusal("encrypted");
  const bytes = new Uint8Array(lengthBytes);
  bytes.set(latin1(found.text).subarray(0, lengthBytes));
  return bytes;
}

function readMethod(said: PdfDictionary, key: string): Method {
  const name = said.get(key);
  if (!(name instanceof PdfName)) return "plain";
  const filters = said.get("CF");
  const filter = filters instanceof PdfDictionary ? filters.get(name.name) : undefined;
  if (!(filter instanceof PdfDictionary)) return name.name === "Identity" ? "plain" : "aes";
  const method = filter.get("CFM");
  if (!(method instanceof PdfName)) return "plain";
  return method.name === "V2" ? "rc4" : "aes";
}

// --- keys -----------------------------------------------------------------------------------------

/** The file's key, up to version 4; undefined if a password is asked for. */
function openOlder(facts: Facts): Bytes | undefined {
  const key = makeOlderKey(facts, FILLING);
  if (fitsUser(facts, key)) return key;
  // An owner's password that is empty leads to the user's.
  const password = decodeByRounds(hashPassword(facts), facts.owner, facts, true);
  const other = makeOlderKey(facts, password);
  return fitsUser(facts, other) ? other : undefined;
}

function makeOlderKey(facts: Facts, password: Bytes): Bytes {
  const isBare = facts.revision >= 4 && !facts.codesMetadata;
  const { owner, permissions, id } = facts;
  const start = join(password, owner, permissions, id, isBare ? "\xff\xff\xff\xff" : "");
  let key = hashMd5(start);
  for (let i = 0; facts.revision >= 3 && i < MD5_ROUNDS; i++) {
    key = hashMd5(key.subarray(0, facts.keyBytes));
  }
  return key.subarray(0, facts.keyBytes);
}

function fitsUser(facts: Facts, key: Bytes): boolean {
  if (facts.revision < 3) return isSame(new Rc4(key).decode(FILLING), facts.user);
  const start = hashMd5(join(FILLING, facts.id));
  const made = decodeByRounds(key, start, facts, false);
  return isSame(made, facts.user.subarray(0, made.length));
}

/** The key that the user's password is coded with, of an owner's that is empty. */
function hashPassword(facts: Facts): Bytes {
  let key = hashMd5(FILLING);
  for (let i = 0; facts.revision >= 3 && i < MD5_ROUNDS; i++) {
    key = hashMd5(key.subarray(0, facts.keyBytes));
  }
  return key.subarray(0, facts.keyBytes);
}

function decodeByRounds(key: Bytes, data: Bytes, facts: Facts, isBack: boolean): Bytes {
  const count = facts.revision < 3 ? 1 : RC4_ROUNDS;
  let decoded = data;
  for (let i = 0; i < count; i++) {
    const round = isBack ? count - 1 - i : i;
    decoded = new Rc4(key.map((code) => code ^ round)).decode(decoded);
  }
  return decoded;
}

/** The file's key, from version 5 on; undefined if a password is asked for. */
async function openNewer(facts: Facts, said: PdfDictionary): Promise<Bytes | undefined> {
  readBytes(said, "Perms", BLOCK_BYTES, false); // it is not held against what it says
  const { user, owner } = facts;
  const [codedUser, codedOwner] = ["UE", "OE"].map((name) => {
    return readBytes(said, name, KEY_BYTES, false);
  }) as [Bytes, Bytes];
  for (const [coded, entry, other] of [
    [codedUser, user, NOTHING],
    [codedOwner, owner, user],
  ] as const) {
    const [check, salt] = [entry.subarray(KEY_BYTES, -SALT_BYTES), entry.subarray(-SALT_BYTES)];
    if (!isSame(await hashNewer(facts, check, other), entry.subarray(0, KEY_BYTES))) continue;
    const key = await hashNewer(facts, salt, other);
    return decodeBlocks(key, NO_VECTOR, coded);
  }
  return undefined;
}

/** The hash of an empty password (ISO 32000-2, 7.6.4.3.4, algorithm 2.B). */
async function hashNewer(facts: Facts, salt: Bytes, other: Bytes): Promise<Bytes> {
  let hash = join(sha256(join(salt, other)));
  for (let round = 1, isDone = facts.revision < 6; !isDone; round++) {
    const repeated = new Uint8Array(HASH_REPEATS * (hash.length + other.length));
    const once = join(hash, other);
    for (let i = 0; i < HASH_REPEATS; i++) repeated.set(once, i * once.length);
    const [key, vector] = [hash.subarray(0, 16), hash.subarray(16, 32)];
    const coded = await codeBlocks(key, vector, repeated);
    const sum = coded.subarray(0, BLOCK_BYTES).reduce((total, code) => total + code, 0);
    hash = await hashAs(sum % HASHES.length, coded);
    isDone = round >= HASH_ROUNDS && (coded.at(-1) ?? 0) <= round - 32;
  }
  return join(hash.subarray(0, KEY_BYTES));
}

async function hashAs(kind: number, data: Bytes): Promise<Bytes> {
  const { name, digest } = HASHES[kind] as (typeof HASHES)[number];
  const hash = await findSubtle()?.digest(name, data);
  return hash === undefined ? join(digest(data)) : new Uint8Array(hash);
}

// --- codes ----------------------------------------------------------------------------------------

function hashMd5(data: Bytes): Bytes {
  return join(md5(data));
}
