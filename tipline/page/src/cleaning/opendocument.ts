// OpenDocument (ISO 26300): ODT, ODS and ODP.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/opendocument.py keeps them in
// Python.

import lists from "../../../cleaning/opendocument.json";
import {
  type Archive,
  type Member,
  storeMember,
  writeArchive,
  writeMember,
  type Written,
} from "./archive.js";
import { type Bytes, isSame, latin1, textOf } from "./bytes.js";
import { DocumentMarkup, type References } from "./documentmarkup.js";
import { CleaningRefusal } from "./errors.js";
import { DECLARATION, decodeMarkup, writeStart } from "./markup.js";
import { listKinds, makeRules, toSet } from "./markuprules.js";
import { rewriteSettings } from "./opendocumentsettings.js";
import { cleanPicture, type Picture, PICTURE_TYPES } from "./pictures.js";
import { type Kind, type Plan, PlanBuilder } from "./plan.js";
import { endOf } from "./relations.js";
import type { Source } from "./source.js";

const MIMETYPE = "mimetype";
const MANIFEST = "META-INF/manifest.xml";
const SETTINGS = "settings.xml";
const MAX_OBJECTS = 1_000;
const MAX_MIMETYPE_BYTES = 256;

const RULES = makeRules(lists);
const MEMBER_KINDS = listKinds(lists.kinds.members);
const TYPES = Object.entries(lists.documents) as ["odt" | "ods" | "odp", string][];
const FOLDERS = toSet(lists["picture-folders"]);
const STAND_IN = "ObjectReplacements";
const TEMPLATE = "-template";
const CONTENT = "content.xml";
const CONTENT_ROOT = "office:document-content";
const STYLES = "styles.xml";
const STYLES_ROOT = "office:document-styles";
const FORMULA = "math:math";
const MANIFEST_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
const MACROS = /^(?:Basic|Scripts|Dialogs)\/(?!(?:[^\n]*\/)?(?:script|dialog)-l[bc]\.xml$)/;
const ENCRYPTED = /encryption-data/;
const PROPERTY = /<(?:[A-Za-z0-9_-]+:)?([A-Za-z-]+)(?: [^<>]*)?>[^<]/g;
// What shows a picture, and what shows an object. Nothing else leads to a member.
const SHOWING = toSet(
  "draw:image draw:fill-image style:background-image text:list-level-style-image",
);
const LINKS = toSet("text:a draw:a");
const OBJECT = "draw:object";
// By the format: the word under which places are numbered that a link leads to by their name alone.
const PLACES: ReadonlyMap<string, string> = new Map(Object.entries(lists.places));
const REGION = "|region";
const SECTION = "section";
const ESCAPED = /(?:%[0-9A-Fa-f]{2})+/g;

/** Tell an OpenDocument from other archives: it has the member that says so. */
export function isOpenDocument(archive: Archive): boolean {
  return archive.members.has(MIMETYPE);
}

/** Plan the cleaning of a document that `isOpenDocument`. */
export function planOpenDocument(source: Source, archive: Archive): Promise<Plan> {
  return new Reader(source, archive).read();
}

class Reader {
  readonly #markup = new DocumentMarkup(RULES);
  readonly #kinds: Set<Kind>;
  readonly #pictures = new Map<string, Picture | undefined>();
  readonly #shown = new Map<string, string>(); // pictures, by their members' names, in order
  readonly #objects = new Map([["", ""]]); // folders, by what they were, in order
  readonly #written: Written[] = [];
  #place: string | undefined;

  constructor(
    private readonly source: Source,
    private readonly archive: Archive,
  ) {
    this.#kinds = new Set(archive.kinds);
  }

  async read(): Promise<Plan> {
    const [format, type] = await this.#findFormat();
    this.#place = PLACES.get(format);
    await this.#lookAtMembers();
    await this.#loadPictures();
    // A map that grows while it is read.
    for (const [folder, path] of this.#objects) {
      await this.#rewrite(folder, path);
      if (this.#objects.size > MAX_OBJECTS) throw new CleaningRefusal("too-complex");
    }
    await this.#rewriteSettings();
    for (const [name, path] of this.#shown)
      this.#written.push(await this.#writePicture(name, path));
    const builder = new PlanBuilder(format, this.source);
    builder.find(...this.#kinds, ...this.#markup.kinds);
    const mimetype = storeMember(MIMETYPE, latin1(type));
    const manifest = await this.#writeManifest(type);
    writeArchive(builder, [mimetype, ...this.#written, manifest]);
    return builder.build();
  }

  // --- members -----------------------------------------------------------------------------------

  async #findFormat(): Promise<(typeof TYPES)[number]> {
    const member = this.archive.members.get(MIMETYPE) as Member;
    if (member.sizeBytes > MAX_MIMETYPE_BYTES) throw new CleaningRefusal("unknown");
    const said = textOf(await this.archive.read(member)).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
    const found = TYPES.find(([, type]) => said === type || said === type + TEMPLATE);
    if (found === undefined) throw new CleaningRefusal("unknown");
    return found;
  }

  async #lookAtMembers(): Promise<void> {
    const manifest = this.archive.members.get(MANIFEST);
    if (manifest !== undefined && ENCRYPTED.test(decodeMarkup(await this.archive.read(manifest)))) {
      throw new CleaningRefusal("encrypted");
    }
    for (const name of this.archive.members.keys()) {
      if (MACROS.test(name)) throw new CleaningRefusal("macros");
      for (const [start, kinds] of MEMBER_KINDS) {
        if (name.startsWith(start)) for (const kind of kinds) this.#kinds.add(kind);
      }
    }
    const properties = this.archive.members.get("meta.xml");
    if (properties === undefined) return;
    for (const found of decodeMarkup(await this.archive.read(properties)).matchAll(PROPERTY)) {
      for (const kind of RULES.propertyKinds.get(found[1] as string) ?? []) this.#kinds.add(kind);
    }
  }

  async #rewriteSettings(): Promise<void> {
    const member = this.archive.members.get(SETTINGS);
    if (member === undefined) return;
    const content = await this.archive.read(member);
    const rewritten = rewriteSettings(content, (attributes) => this.#markup.count(attributes));
    if (rewritten === undefined || !isSame(rewritten, content)) this.#kinds.add("device");
    if (rewritten === undefined) return;
    this.#written.push(await this.#write(member, SETTINGS, rewritten, content));
  }

  async #rewrite(folder: string, path: string): Promise<void> {
    const roots = folder === "" ? [CONTENT_ROOT] : [CONTENT_ROOT, FORMULA];
    const content = this.archive.members.get(folder + CONTENT);
    if (content === undefined) throw new CleaningRefusal("malformed");
    await this.#rewritePart(content, path + CONTENT, roots, folder);
    const styles = this.archive.members.get(folder + STYLES);
    if (styles !== undefined) await this.#rewritePart(styles, path + STYLES, [STYLES_ROOT], folder);
  }

  async #rewritePart(
    member: Member,
    path: string,
    roots: readonly string[],
    folder: string,
  ): Promise<void> {
    const before = await this.archive.read(member);
    const content = this.#markup.rewrite(before, roots, new PartReferences(this, folder));
    this.#written.push(await this.#write(member, path, content, before));
  }

  /** Write a part; if it is as it was, its compressed bytes are kept. */
  async #write(member: Member, path: string, content: Bytes, before: Bytes): Promise<Written> {
    return isSame(before, content)
      ? this.archive.keep(member, path)
      : await writeMember(path, content);
  }

  async #writeManifest(type: string): Promise<Written> {
    const attributes: [string, string][] = [
      ["manifest:version", "1.2"],
      ["xmlns:manifest", MANIFEST_NAMESPACE],
    ];
    const lines = [`${writeStart("manifest:manifest", attributes)}>`];
    const entries = this.#written.map(({ name }) => {
      return [name, PICTURE_TYPES.get(endOf(name, ".")) ?? "text/xml"] as const;
    });
    for (const [path, said] of [["/", type] as const, ...entries]) {
      const named: [string, string][] = [
        ["manifest:full-path", path],
        ["manifest:media-type", said],
      ];
      lines.push(`${writeStart("manifest:file-entry", named)}/>`);
    }
    const text = `${DECLARATION}${lines.join("")}</manifest:manifest>`;
    const content = new TextEncoder().encode(text);
    const member = this.archive.members.get(MANIFEST);
    return member === undefined
      ? writeMember(MANIFEST, content)
      : this.#write(member, MANIFEST, content, await this.archive.read(member));
  }

  // --- pictures and objects ----------------------------------------------------------------------

  /** Clean the pictures, and note which cannot be cleaned. */
  async #loadPictures(): Promise<void> {
    for (const [name, member] of this.archive.members) {
      if (!FOLDERS.has(findFolder(name))) continue;
      const content = await this.archive.read(member);
      try {
        this.#pictures.set(name, await cleanPicture(content));
      } catch (error) {
        if (!(error instanceof CleaningRefusal)) throw error;
        this.#pictures.set(name, undefined);
      }
    }
  }

  async #writePicture(name: string, path: string): Promise<Written> {
    const picture = this.#pictures.get(name);
    if (picture === undefined) throw new CleaningRefusal("unsupported");
    for (const kind of picture.kinds) this.#kinds.add(kind);
    if (picture.kinds.length > 0) {
      const write = picture.isCompressed ? storeMember : writeMember;
      return write(path, picture.content);
    }
    return this.archive.keep(this.archive.members.get(name) as Member, path);
  }

  /** Whether a member stays that an element shows. */
  has(path: string, element: string): boolean {
    if (element === OBJECT) return this.archive.members.has(`${path}/${CONTENT}`);
    if (!SHOWING.has(element) || !this.#pictures.has(path)) return false;
    if (this.#pictures.get(path) !== undefined) return true;
    // It is not needed where the object that it stands for stays, which draws itself.
    const name = path.slice(STAND_IN.length + 1);
    if (findFolder(path) !== STAND_IN || !this.has(name, OBJECT)) {
      throw new CleaningRefusal("unsupported");
    }
    return false;
  }

  /** The new path of a member that stays. */
  rename(path: string): string {
    const picture = this.#pictures.get(path);
    if (picture !== undefined) {
      const number = this.#shown.size + 1;
      return setDefault(this.#shown, path, `Pictures/image${number}.${picture.extension}`);
    }
    const folder = setDefault(this.#objects, `${path}/`, `Object ${this.#objects.size}/`);
    return folder.slice(0, -1);
  }

  /** The new name of a place that a link leads to. */
  renamePlace(name: string): string {
    if (name.endsWith(REGION)) {
      const section = unescapeName(name.slice(0, -REGION.length));
      return this.#markup.number(section, SECTION) + REGION;
    }
    if (this.#place === undefined || name.includes("|")) return name;
    return this.#markup.number(unescapeName(name), this.#place);
  }
}

/** What a part leads to: places in it, the web, pictures and objects. */
class PartReferences implements References {
  constructor(
    private readonly reader: Reader,
    private readonly folder: string,
  ) {}

  has(untrusted: string, element: string): boolean {
    if (untrusted.startsWith("#") || LINKS.has(element)) {
      return LINKS.has(element) && RULES.link.test(untrusted);
    }
    return this.reader.has(this.#findPath(untrusted), element);
  }

  rename(untrusted: string): string {
    if (untrusted.startsWith("#")) return `#${this.reader.renamePlace(untrusted.slice(1))}`;
    if (RULES.link.test(untrusted)) return untrusted;
    const up = "../".repeat(this.folder.split("/").length - 1);
    return up + this.reader.rename(this.#findPath(untrusted));
  }

  #findPath(untrusted: string): string {
    const steps = this.folder.split("/").slice(0, -1);
    for (const step of untrusted.split("/")) {
      if (step === "..") steps.pop();
      else if (step !== "" && step !== ".") steps.push(step);
    }
    return steps.join("/");
  }
}

/** The name of the folder in which a member is. */
function findFolder(path: string): string {
  return endOf(path.slice(0, Math.max(0, path.lastIndexOf("/"))), "/");
}

function setDefault(map: Map<string, string>, key: string, value: string): string {
  const known = map.get(key);
  if (known !== undefined) return known;
  map.set(key, value);
  return value;
}

/** Read a name as an address writes it; what is no such is a name as it stands. */
function unescapeName(name: string): string {
  try {
    return name.replace(ESCAPED, decodeURIComponent);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return name;
  }
}
