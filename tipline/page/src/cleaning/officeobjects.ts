// Files inside slides and sheets: the file goes, its picture stays in its place, as a picture.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/office_objects.py keeps them
// in Python. What is made here are events of XML, which are rewritten as what was there.

import type { Bytes } from "./bytes.js";
import { CleaningRefusal } from "./errors.js";
import type { Attributes, MarkupEvent } from "./markup.js";
import { enterScope, findKey, type Scope } from "./markupscopes.js";
import { RULES } from "./officerules.js";
import type { Corners, Shape } from "./officeshapes.js";
import { endOf } from "./relations.js";

const FRAME = "p:graphicFrame";
const SLIDE_OBJECT = "p:oleObj";
const ALTERNATIVES = "mc:AlternateContent";
const SHEET_OBJECT = "x:oleObject";
const SHEET_PICTURE = "x:objectPr";
const SHAPE = "_x0000_s";
const CORNERS: ReadonlySet<string | undefined> = new Set(["x:from", "x:to"]);
const PLACES = ["xdr:col", "xdr:colOff", "xdr:row", "xdr:rowOff"] as const;
/** Of a sheet, what stands behind its drawing (ECMA-376 part 1, 18.3.1.99). */
const BEHIND_DRAWING: ReadonlySet<string> = new Set([
  "legacyDrawing",
  "legacyDrawingHF",
  "drawingHF",
  "picture",
  "oleObjects",
  "controls",
  "AlternateContent",
  "webPublishItems",
  "tableParts",
  "extLst",
]);
const NUMBER = /^-?[0-9]{1,12}$/;
const SHAPE_NUMBER = /^[0-9]{1,10}$/;
const SPACES: readonly [string, string][] = ["a", "p", "r", "x", "xdr"].map((key) => [
  `xmlns:${key}`,
  RULES.namespaces.get(key)?.address ?? "",
]);
const NONE: Attributes = new Map();

export const EMPTY_DRAWING: Bytes = new TextEncoder().encode(
  `<xdr:wsDr xmlns:xdr="${RULES.namespaces.get("xdr")?.address}"/>`,
);

/** A file inside a sheet: the number of its shape, the path of its picture, where it stands. */
export interface SheetObject {
  readonly number: string;
  readonly target: string;
  readonly corners: Corners;
}

interface Keyed {
  readonly key: string;
  readonly attributes: Attributes;
}

/** Whether there may be a file inside: its element's name, in UTF-8 or in UTF-16. */
export function mayHoldObject(content: Bytes): boolean {
  const name = "oleObj";
  const isAt = (start: number, step: number) => {
    for (let i = 1; i < name.length; i++) {
      if (content[start + i * step] !== name.charCodeAt(i)) return false;
      if (step === 2 && content[start + i * step - 1] !== 0) return false;
    }
    return true;
  };
  const first = name.charCodeAt(0);
  for (let at = content.indexOf(first); at >= 0; at = content.indexOf(first, at + 1)) {
    if (isAt(at, 1) || isAt(at, 2)) return true;
  }
  return false;
}

/** Read events; those that begin an element also with names as the lists have them. */
function* readKeyed(events: Iterable<MarkupEvent>): Generator<[MarkupEvent, Keyed | undefined]> {
  const scopes: Scope[] = [new Map()];
  for (const event of events) {
    if (typeof event !== "object") {
      if (event === undefined) scopes.pop();
      yield [event, undefined];
      continue;
    }
    const scope = enterScope(scopes.at(-1) as Scope, event.attributes, RULES.addresses);
    scopes.push(scope);
    const attributes = new Map(
      [...event.attributes].map(
        ([name, value]) => [name.includes(":") ? findKey(name, scope) : name, value] as const,
      ),
    );
    yield [event, { key: findKey(event.name, scope), attributes }];
  }
}

/** Put pictures in the places of files inside a slide; `pictures` are relations, by shapes. */
export function* liftFrames(
  events: Iterable<MarkupEvent>,
  pictures: ReadonlyMap<string, string>,
): Generator<MarkupEvent> {
  let frame: [MarkupEvent, Keyed | undefined][] = [];
  let depth = 0;
  for (const [event, keyed] of readKeyed(events)) {
    if (depth === 0 && keyed?.key !== FRAME) {
      yield event;
      continue;
    }
    frame.push([event, keyed]);
    depth += keyed !== undefined ? 1 : event === undefined ? -1 : 0;
    if (depth > 0) continue;
    const starts = frame.flatMap(([, one]) => (one === undefined ? [] : [one]));
    if (starts.some(({ key }) => key === SLIDE_OBJECT)) {
      checkFrame(frame);
      yield* makeSlidePicture(starts, pictures);
    } else {
      for (const [one] of frame) yield one;
    }
    frame = [];
  }
}

/** Find the files inside a sheet, and the relation to its drawing if it has one. */
export function findObjects(
  events: Iterable<MarkupEvent>,
  shapes: ReadonlyMap<string, Shape>,
  targets: ReadonlyMap<string, string>,
): [objects: SheetObject[], drawing: string | undefined] {
  const relations = new Map<string, string | undefined>(); // by the number of a shape
  const corners = new Map<string, number[]>();
  const path: string[] = [];
  let drawing: string | undefined;
  let number = "";
  for (const [event, keyed] of readKeyed(events)) {
    if (event === undefined) {
      path.pop();
    } else if (keyed !== undefined) {
      const { key, attributes } = keyed;
      path.push(key);
      if (key === SHEET_OBJECT) {
        number = attributes.get("shapeId") ?? "";
        if (!SHAPE_NUMBER.test(number)) throw new CleaningRefusal("malformed");
        if (!relations.has(number)) relations.set(number, undefined);
      } else if (key === SHEET_PICTURE && relations.has(number)) {
        relations.set(number, attributes.get("r:id"));
      } else if (key === "x:drawing") {
        drawing = attributes.get("r:id");
      }
    } else if (typeof event === "string" && CORNERS.has(path.at(-2))) {
      if (!PLACES.some((place) => place === path.at(-1))) continue;
      if (!NUMBER.test(event)) throw new CleaningRefusal("malformed");
      let said = corners.get(number);
      if (said === undefined) corners.set(number, (said = []));
      said.push(Number(event));
    }
  }
  const objects = [...relations].map(([one, relation]) => {
    const shape = shapes.get(SHAPE + one);
    const led = targets.get(relation ?? "") ?? "";
    const target = led === "" ? (shape?.target ?? "") : led;
    const said = corners.get(one);
    const where = said?.length === 2 * PLACES.length ? said : shape?.corners;
    if (target === "" || where === undefined) throw new CleaningRefusal("unsupported");
    return { number: one, target, corners: where };
  });
  return [objects, drawing];
}

/** Give a sheet that has none a drawing. */
export function* addDrawing(
  events: Iterable<MarkupEvent>,
  relation: string,
): Generator<MarkupEvent> {
  let depth = 0;
  let isAdded = false;
  for (const event of events) {
    const isBehind =
      typeof event === "object" && depth === 1 && BEHIND_DRAWING.has(endOf(event.name, ":"));
    if (!isAdded && (isBehind || (event === undefined && depth === 1))) {
      yield* makeElement("x:drawing", [...SPACES, ["r:id", relation]]);
      isAdded = true;
    }
    depth += typeof event === "object" ? 1 : event === undefined ? -1 : 0;
    yield event;
  }
}

/** Add pictures to the drawing of a sheet, each with a relation to it. */
export function* addPictures(
  events: Iterable<MarkupEvent>,
  pictures: readonly (readonly [relation: string, shown: SheetObject])[],
): Generator<MarkupEvent> {
  let depth = 0;
  for (const event of events) {
    depth += typeof event === "object" ? 1 : event === undefined ? -1 : 0;
    if (depth === 0 && event === undefined) {
      for (const [relation, shown] of pictures) yield* makeSheetPicture(relation, shown);
    }
    yield event;
  }
}

/** Hold that a frame shows one file: once, or once in each of some alternatives. */
function checkFrame(frame: readonly (readonly [MarkupEvent, Keyed | undefined])[]): void {
  const path: { readonly key: string; readonly at: number }[] = [];
  let frameLen = 0;
  const outers = new Set<number>();
  const ways = new Set<number>();
  let objectLen = 0;
  for (const [at, [event, keyed]] of frame.entries()) {
    if (keyed !== undefined) {
      path.push({ key: keyed.key, at });
      if (keyed.key === FRAME) frameLen++;
      if (keyed.key !== SLIDE_OBJECT) continue;
      const outer = path.findIndex(({ key }) => key === ALTERNATIVES);
      objectLen++;
      outers.add(path[outer]?.at ?? at);
      ways.add(path[outer < 0 ? path.length - 1 : outer + 1]?.at ?? at);
    } else if (event === undefined) {
      path.pop();
    }
  }
  if (frameLen > 1 || outers.size > 1 || ways.size < objectLen) {
    throw new CleaningRefusal("unsupported");
  }
}

function* makeSlidePicture(
  starts: readonly Keyed[],
  pictures: ReadonlyMap<string, string>,
): Generator<MarkupEvent> {
  const found = new Map<string, Attributes>();
  for (const { key, attributes } of starts) if (!found.has(key)) found.set(key, attributes);
  const shapes = starts.filter(({ key }) => key === SLIDE_OBJECT);
  const shown = shapes.map(({ attributes }) => pictures.get(attributes.get("spid") ?? ""));
  const embedded = found.get("a:blip")?.get("r:embed") ?? "";
  const relation = embedded === "" ? shown.find((one) => one !== undefined) : embedded;
  const number = found.get("p:cNvPr")?.get("id");
  const start = found.get("a:off");
  const size = found.get("a:ext");
  if (relation === undefined || number === undefined) throw new CleaningRefusal("unsupported");
  if (start === undefined || size === undefined) throw new CleaningRefusal("unsupported");
  yield begin("p:pic", SPACES);
  yield begin("p:nvPicPr");
  yield* makeElement("p:cNvPr", [
    ["id", number],
    ["name", ""],
  ]);
  yield* makeElement("p:cNvPicPr");
  yield* makeElement("p:nvPr");
  yield undefined;
  yield* makeFill("p:blipFill", relation, found.get("a:srcRect"));
  yield begin("p:spPr");
  yield begin("a:xfrm");
  yield* makeElement("a:off", [...start]);
  yield* makeElement("a:ext", [...size]);
  yield undefined;
  yield* makeRectangle();
  yield undefined;
  yield undefined;
}

function* makeSheetPicture(relation: string, shown: SheetObject): Generator<MarkupEvent> {
  yield begin("xdr:twoCellAnchor", [...SPACES, ["editAs", "oneCell"]]);
  for (const [at, corner] of ["xdr:from", "xdr:to"].entries()) {
    yield begin(corner);
    for (const [i, place] of PLACES.entries()) {
      yield begin(place);
      yield String(shown.corners[4 * at + i]);
      yield undefined;
    }
    yield undefined;
  }
  yield begin("xdr:pic");
  yield begin("xdr:nvPicPr");
  yield* makeElement("xdr:cNvPr", [
    ["id", shown.number],
    ["name", ""],
  ]);
  yield* makeElement("xdr:cNvPicPr");
  yield undefined;
  yield* makeFill("xdr:blipFill", relation);
  yield begin("xdr:spPr");
  yield* makeRectangle();
  yield undefined;
  yield undefined;
  yield* makeElement("xdr:clientData");
  yield undefined;
}

function* makeFill(
  name: string,
  relation: string,
  crop: Attributes | undefined = undefined,
): Generator<MarkupEvent> {
  yield begin(name);
  yield* makeElement("a:blip", [["r:embed", relation]]);
  if (crop !== undefined) yield* makeElement("a:srcRect", [...crop]);
  yield begin("a:stretch");
  yield* makeElement("a:fillRect");
  yield undefined;
  yield undefined;
}

function* makeRectangle(): Generator<MarkupEvent> {
  yield begin("a:prstGeom", [["prst", "rect"]]);
  yield* makeElement("a:avLst");
  yield undefined;
}

function makeElement(
  name: string,
  attributes: readonly (readonly [string, string])[] = [],
): MarkupEvent[] {
  return [begin(name, attributes), undefined];
}

function begin(name: string, attributes?: readonly (readonly [string, string])[]): MarkupEvent {
  if (attributes === undefined) return { name, attributes: NONE, declares: false };
  return { name, attributes: new Map(attributes), declares: true };
}
