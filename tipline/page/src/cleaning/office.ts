// Office Open XML (ECMA-376): DOCX, XLSX and PPTX.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/office.py keeps them in
// Python.

import {
  type Archive,
  type Member,
  storeMember,
  writeArchive,
  writeMember,
  type Written,
} from "./archive.js";
import { type Bytes, isSame } from "./bytes.js";
import { type Change, DocumentMarkup, type References } from "./documentmarkup.js";
import { CleaningRefusal } from "./errors.js";
import { DECLARATION, decodeMarkup, readMarkup, writeStart } from "./markup.js";
import {
  addDrawing,
  addPictures,
  EMPTY_DRAWING,
  findObjects,
  liftFrames,
  mayHoldObject,
  type SheetObject,
} from "./officeobjects.js";
import * as rules from "./officerules.js";
import { readShapes, type Shape } from "./officeshapes.js";
import { cleanPicture, type Picture, PICTURE_TYPES } from "./pictures.js";
import { type Kind, type Plan, PlanBuilder } from "./plan.js";
import {
  CONTENT_TYPES,
  endOf,
  findRelationsPath,
  readRelations,
  type Relation,
  RELATIONS_TYPE,
  writeRelations,
  type WrittenRelation,
} from "./relations.js";
import type { Source } from "./source.js";

const MAX_PARTS = 10_000;
const TYPES_NAMESPACE = "http://schemas.openxmlformats.org/package/2006/content-types";
const SHEET = "x:worksheet";
const DRAWING = "drawing"; // also the name of a relation and of a part of our own
const MACROS_TYPE = /macroEnabled|vbaProject|activeX/;
const PROPERTY = /<(?:[A-Za-z0-9_-]+:)?([A-Za-z]+)(?: [^<>]*)?>[^<]/g;
const PROPERTIES: ReadonlySet<string> = new Set([
  "core-properties",
  "extended-properties",
  "custom-properties",
]);

/** A part that is kept: where it was, what it is, where it goes. */
interface Part {
  readonly member: Member;
  readonly rule: rules.PartRule;
  readonly path: string;
}

/** Tell a document of Office from other archives: it lists content types. */
export function isOffice(archive: Archive): boolean {
  return [...archive.members.keys()].some(
    (name) => name.toLowerCase() === CONTENT_TYPES.toLowerCase(),
  );
}

/** Plan the cleaning of a document that `isOffice`. */
export function planOffice(source: Source, archive: Archive): Promise<Plan> {
  return new Reader(source, archive).read();
}

class Reader {
  readonly #markup = new DocumentMarkup(rules.RULES);
  readonly #kinds: Set<Kind>;
  readonly #members: Map<string, Member>;
  readonly #parts = new Map<string, Part>();
  readonly #waiting: Part[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #written: Written[] = [];
  readonly #pictures = new Map<string, Picture | undefined>();
  readonly #relations = new Map<string, Relation[]>();
  readonly #properties = new Set<string>();
  readonly #made = new Map<string, Bytes>(); // parts of our own, by their members' names
  readonly #lifted = new Map<string, readonly SheetObject[]>(); // by the names of drawings
  #format!: rules.OfficeFormat;
  #rules!: ReadonlyMap<string, rules.PartRule>;

  constructor(
    private readonly source: Source,
    private readonly archive: Archive,
  ) {
    this.#kinds = new Set(archive.kinds);
    this.#members = new Map(
      [...archive.members].map(([name, member]) => [name.toLowerCase(), member]),
    );
    if (this.#members.size !== archive.members.size) throw new CleaningRefusal("malformed");
  }

  async read(): Promise<Plan> {
    const types = this.#members.get(CONTENT_TYPES.toLowerCase()) as Member;
    if (MACROS_TYPE.test(decodeMarkup(await this.archive.read(types)))) {
      throw new CleaningRefusal("macros");
    }
    const [main, format] = await this.#findMain();
    this.#format = format;
    this.#rules = rules.PARTS[format];
    const { relation, path } = rules.MAIN_PARTS[format];
    this.#addPart(main, rules.MAIN_PARTS[format]);
    const root = writeRelations([["rId1", relation, path]]);
    for (const part of this.#waiting) await this.#rewrite(part); // grows while it is read
    await this.#lookAtRest();
    const builder = new PlanBuilder(format, this.source);
    builder.find(...this.#kinds, ...this.#markup.kinds);
    const members = [
      await this.#write(types, CONTENT_TYPES, this.#listTypes()),
      await this.#write(this.#members.get("_rels/.rels"), "_rels/.rels", root),
    ];
    writeArchive(builder, [...members, ...this.#written]);
    return builder.build();
  }

  // --- parts -------------------------------------------------------------------------------------

  /** Find the main part, and by its first element the format. */
  async #findMain(): Promise<[Member, rules.OfficeFormat]> {
    for (const relation of await this.#readRelations("")) {
      if (relation.kind === "officeDocument" && !relation.isExternal) {
        const member = this.#members.get(relation.target);
        if (member === undefined) throw new CleaningRefusal("malformed");
        return [member, await this.#findFormat(member)];
      }
      await this.#lookAt(relation);
    }
    throw new CleaningRefusal("unknown");
  }

  async #findFormat(member: Member): Promise<rules.OfficeFormat> {
    for (const event of readMarkup(decodeMarkup(await this.archive.read(member)))) {
      if (typeof event === "object") {
        const local = endOf(event.name, ":");
        const prefix = event.name.slice(0, Math.max(0, event.name.length - local.length - 1));
        const address = event.attributes.get(prefix === "" ? "xmlns" : `xmlns:${prefix}`) ?? "";
        const key = `${rules.RULES.addresses.get(address)}:${local}`;
        const found = rules.OFFICE_FORMATS.find((format) => rules.MAIN_PARTS[format].root === key);
        if (found !== undefined) return found;
      }
      break;
    }
    throw new CleaningRefusal("unsupported");
  }

  #addPart(member: Member, rule: rules.PartRule): Part {
    const key = `${rule.relation}/${member.name}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const number = (this.#numbers.get(rule.path) ?? 0) + 1;
    this.#numbers.set(rule.path, number);
    let path = rule.path.replace("{n}", String(number));
    const picture = this.#pictures.get(member.name);
    if (rule.root === undefined && picture !== undefined) path += picture.extension;
    const part = { member, rule, path };
    this.#parts.set(key, part);
    this.#waiting.push(part);
    const isOneTooMany = !rule.path.includes("{n}") && number > 1 && rule.root !== undefined;
    if (this.#parts.size > MAX_PARTS || isOneTooMany) throw new CleaningRefusal("too-complex");
    return part;
  }

  async #rewrite(part: Part): Promise<void> {
    if (part.rule.root === undefined) {
      this.#written.push(await this.#writePicture(part));
      return;
    }
    const content = this.#made.get(part.member.name) ?? (await this.archive.read(part.member));
    const [found, change] = await this.#lift(part, content);
    await this.#loadPictures(found);
    const relations = new PartRelations(this, found);
    const rewritten = this.#markup.rewrite(content, [part.rule.root], relations, change);
    this.#written.push(await this.#write(part.member, part.path, rewritten, content));
    const named = relations.finish(this.#rules);
    if (named.length > 0) {
      const before = this.#members.get(findRelationsPath(part.member.name).toLowerCase());
      const path = findRelationsPath(part.path);
      this.#written.push(await this.#write(before, path, writeRelations(named)));
    }
  }

  /** Write a part; if it is as it was, its compressed bytes are kept. */
  async #write(
    member: Member | undefined,
    path: string,
    content: Bytes,
    known?: Bytes,
  ): Promise<Written> {
    if (member !== undefined && !this.#made.has(member.name)) {
      const before = known ?? (await this.archive.read(member));
      if (isSame(before, content)) return this.archive.keep(member, path);
    }
    return writeMember(path, content);
  }

  #listTypes(): Bytes {
    const lines = [`${writeStart("Types", [["xmlns", TYPES_NAMESPACE]])}>`];
    const used = new Set(this.#waiting.map((part) => endOf(part.path, ".")));
    const defaults = [...PICTURE_TYPES].filter(([extension]) => used.has(extension));
    for (const [extension, type] of [
      ...defaults,
      ["rels", RELATIONS_TYPE] as const,
      ["xml", "application/xml"] as const,
    ]) {
      const named = [
        ["ContentType", type],
        ["Extension", extension],
      ] as const;
      lines.push(`${writeStart("Default", named)}/>`);
    }
    for (const { rule, path } of this.#waiting) {
      if (rule.contentType === undefined) continue;
      const named = [
        ["ContentType", rule.contentType],
        ["PartName", `/${path}`],
      ] as const;
      lines.push(`${writeStart("Override", named)}/>`);
    }
    return new TextEncoder().encode(`${DECLARATION}${lines.join("")}</Types>`);
  }

  // --- files inside ------------------------------------------------------------------------------

  /** Put pictures in the places of files inside: tell what leads to them, and how to read. */
  async #lift(part: Part, content: Bytes): Promise<[Relation[], Change | undefined]> {
    const found = await this.#readRelations(part.member.name);
    const lifted = this.#lifted.get(part.member.name);
    if (lifted !== undefined) {
      const pictures = lifted.map((one, at) => [nameLifted(at), one] as const);
      const led = pictures.map(([name, one]) => makeRelation(name, "image", one.target));
      return [[...found, ...led], (events) => addPictures(events, pictures)];
    }
    if (!mayHoldObject(content)) return [found, undefined];
    const shapes = await this.#readShapes(found);
    if (part.rule.root === SHEET) return this.#liftSheet(content, found, shapes);
    const names = new Map<string, string>();
    const led: Relation[] = [];
    for (const [id, { target }] of shapes) {
      if (target === undefined) continue;
      const name = nameLifted(names.size);
      names.set(id, name);
      led.push(makeRelation(name, "image", target));
    }
    return [[...found, ...led], (events) => liftFrames(events, names)];
  }

  /** Note which pictures the drawing of a sheet gets, and give it one if it has none. */
  #liftSheet(
    content: Bytes,
    found: Relation[],
    shapes: ReadonlyMap<string, Shape>,
  ): [Relation[], Change | undefined] {
    const inside = found.filter((one) => !one.isExternal);
    const targets = new Map(inside.map((one) => [one.name, one.target]));
    const events = readMarkup(decodeMarkup(content));
    const [objects, drawing] = findObjects(events, shapes, targets);
    if (objects.length === 0) return [found, undefined];
    if (drawing === undefined) {
      const name = `//${DRAWING}${this.#made.size}`; // as no relation leads
      this.#made.set(name, EMPTY_DRAWING);
      const nothing = { method: 0, checksum: 0, offset: 0, compressedBytes: 0, sizeBytes: 0 };
      this.#members.set(name, { name, ...nothing });
      this.#lifted.set(name, objects);
      const led = makeRelation(DRAWING, DRAWING, name);
      return [[...found, led], (read) => addDrawing(read, DRAWING)];
    }
    const name = this.#members.get(targets.get(drawing) ?? "")?.name ?? "";
    if (name === "" || this.#parts.has(`${DRAWING}/${name}`) || this.#lifted.has(name)) {
      throw new CleaningRefusal("unsupported");
    }
    this.#lifted.set(name, objects);
    return [found, undefined];
  }

  async #readShapes(found: readonly Relation[]): Promise<Map<string, Shape>> {
    const shapes = new Map<string, Shape>();
    for (const relation of found) {
      const member = this.#members.get(relation.target);
      if (relation.kind !== "vmlDrawing" || relation.isExternal || member === undefined) continue;
      const relations = await this.#readRelations(member.name);
      const content = await this.archive.read(member);
      const read = readShapes(content, relations, (attributes) => this.#markup.count(attributes));
      for (const [id, shape] of read) shapes.set(id, shape);
    }
    return shapes;
  }

  // --- pictures ----------------------------------------------------------------------------------

  /** Clean the pictures that a part leads to, and note which cannot be cleaned. */
  async #loadPictures(relations: readonly Relation[]): Promise<void> {
    for (const relation of relations) {
      const rule = this.#rules.get(relation.kind);
      const member = this.#members.get(relation.target);
      if (relation.isExternal || rule === undefined || rule.root !== undefined) continue;
      if (member === undefined || this.#pictures.has(member.name)) continue;
      const content = await this.archive.read(member);
      try {
        this.#pictures.set(member.name, await cleanPicture(content));
      } catch (error) {
        if (!(error instanceof CleaningRefusal)) throw error;
        this.#pictures.set(member.name, undefined);
      }
    }
  }

  async #writePicture(part: Part): Promise<Written> {
    const picture = this.#pictures.get(part.member.name);
    if (picture === undefined) throw new CleaningRefusal("unsupported");
    if (picture.kinds.length === 0) return this.archive.keep(part.member, part.path);
    return picture.isCompressed
      ? storeMember(part.path, picture.content)
      : writeMember(part.path, picture.content);
  }

  // --- relations ---------------------------------------------------------------------------------

  async #readRelations(path: string): Promise<Relation[]> {
    const known = this.#relations.get(path);
    if (known !== undefined) return known;
    const member = this.#members.get(findRelationsPath(path).toLowerCase());
    const found = member === undefined ? [] : readRelations(await this.archive.read(member), path);
    this.#relations.set(path, found);
    return found;
  }

  /** Whether a relation stays. */
  findTarget(relation: Relation): boolean {
    if (relation.isExternal) {
      return relation.kind === "hyperlink" && rules.RULES.link.test(relation.target);
    }
    const rule = this.#rules.get(relation.kind);
    const member = this.#members.get(relation.target);
    if (rule === undefined || member === undefined) return false;
    if (rule.root !== undefined) return true;
    const picture = this.#pictures.get(member.name);
    // Also one that stands for a file inside: without it, what a reader sees would be gone.
    if (picture === undefined) throw new CleaningRefusal("unsupported");
    for (const kind of picture.kinds) this.#kinds.add(kind);
    return true;
  }

  /** The new target of a relation that stays. */
  addTarget(relation: Relation): string {
    if (relation.isExternal) {
      const isOfWord = this.#format === "docx" && relation.target.startsWith("#");
      if (!isOfWord) return relation.target;
      return `#${this.#markup.number(relation.target.slice(1), rules.BOOKMARK)}`;
    }
    const member = this.#members.get(relation.target) as Member;
    return this.#addPart(member, this.#rules.get(relation.kind) as rules.PartRule).path;
  }

  // --- what goes ---------------------------------------------------------------------------------

  async #lookAt(relation: Relation): Promise<void> {
    if (rules.MACROS.has(relation.kind)) throw new CleaningRefusal("macros");
    for (const kind of rules.RELATION_KINDS.get(relation.kind) ?? []) this.#kinds.add(kind);
    const member = this.#members.get(relation.target);
    if (!PROPERTIES.has(relation.kind) || member === undefined) return;
    if (this.#properties.has(member.name)) return;
    this.#properties.add(member.name);
    const text = decodeMarkup(await this.archive.read(member));
    for (const found of text.matchAll(PROPERTY)) {
      for (const kind of rules.RULES.propertyKinds.get(found[1] as string) ?? [])
        this.#kinds.add(kind);
    }
  }

  /** Look at what leads away from the parts that are kept, and from the document. */
  async #lookAtRest(): Promise<void> {
    for (const path of ["", ...this.#waiting.map((part) => part.member.name)]) {
      for (const relation of await this.#readRelations(path)) {
        if (relation.isExternal || !this.#rules.has(relation.kind)) await this.#lookAt(relation);
      }
    }
  }
}

function nameLifted(number: number): string {
  return `lifted ${number}`;
}

function makeRelation(name: string, kind: string, target: string): Relation {
  return { name, kind, target, isExternal: false };
}

/** The relations of a part: those that stay get numbers, in the order of their first use. */
class PartRelations implements References {
  readonly #relations: ReadonlyMap<string, Relation>;
  readonly #named = new Map<string, WrittenRelation>();

  constructor(
    private readonly reader: Reader,
    relations: readonly Relation[],
  ) {
    this.#relations = new Map(relations.map((relation) => [relation.name, relation]));
    if (this.#relations.size !== relations.length) throw new CleaningRefusal("malformed");
  }

  has(untrusted: string, _element: string): boolean {
    const relation = this.#relations.get(untrusted);
    return relation !== undefined && this.reader.findTarget(relation);
  }

  rename(untrusted: string): string {
    return this.#name(this.#relations.get(untrusted) as Relation);
  }

  /** Add the relations that no element names; return each with its type and target. */
  finish(parts: ReadonlyMap<string, rules.PartRule>): WrittenRelation[] {
    for (const [kind, rule] of parts) {
      if (!rule.isImplicit) continue;
      for (const relation of this.#relations.values()) {
        if (relation.kind === kind && this.reader.findTarget(relation)) this.#name(relation);
      }
    }
    return [...this.#named.values()];
  }

  #name(relation: Relation): string {
    const target = this.reader.addTarget(relation);
    const key = `${relation.kind} ${target}`;
    const known = this.#named.get(key);
    if (known !== undefined) return known[0];
    const name = `rId${this.#named.size + 1}`;
    this.#named.set(key, [name, relation.kind, target]);
    return name;
  }
}
