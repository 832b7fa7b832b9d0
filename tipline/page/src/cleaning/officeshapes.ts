// Shapes of VML that stand for files inside slides and sheets: which picture they show, and where.
//
// Slides and sheets keep nothing of VML; older programs say there, and nowhere else, how a file
// inside looks. tipline/cleaning/office_shapes.py does the same in Python.

import type { Bytes } from "./bytes.js";
import { decodeMarkup, readMarkup } from "./markup.js";
import { endOf, type Relation } from "./relations.js";

const PIXEL_EMUS = 9525; // of which an inch has 914,400, at 96 pixels an inch
const ANCHOR = new RegExp(
  `^[ \\t\\n]*${Array(8).fill("([0-9]{1,7})").join("[ \\t\\n]*,[ \\t\\n]*")}[ \\t\\n]*$`,
);

/** Of two corners each the column, the distance in it, the row, the distance in it; in EMUs. */
export type Corners = readonly number[];

/** A shape: the path of its picture, and where it stands in a sheet. */
export interface Shape {
  target?: string | undefined;
  corners?: Corners;
}

/** Read the shapes of a part, by their ids; `count` counts an element with so many attributes. */
export function readShapes(
  untrusted: Bytes,
  relations: readonly Relation[],
  count: (attributes: number) => void,
): Map<string, Shape> {
  const targets = new Map(
    relations.filter((one) => !one.isExternal).map((one) => [one.name, one.target]),
  );
  const found = new Map<string, Shape>();
  const path: string[] = [];
  let ids: string[] = [];
  for (const event of readMarkup(decodeMarkup(untrusted))) {
    if (event === undefined) {
      path.pop();
    } else if (typeof event === "object") {
      count(event.attributes.size);
      const local = endOf(event.name, ":");
      path.push(local);
      const values = new Map(
        [...event.attributes].map(([name, value]) => [endOf(name, ":"), value] as const),
      );
      if (local === "shape") {
        ids = [...values].filter(([name]) => name === "id" || name === "spid").map(([, id]) => id);
        for (const id of ids) found.set(id, {});
      } else if (local === "imagedata") {
        const target = targets.get(values.get("relid") ?? "");
        for (const id of ids) (found.get(id) as Shape).target = target;
      }
    } else if (path.at(-1) === "Anchor") {
      const corners = ANCHOR.exec(event)
        ?.slice(1)
        .map((number, at) => Number(number) * (at % 2 === 1 ? PIXEL_EMUS : 1));
      if (corners === undefined) continue;
      for (const id of ids) (found.get(id) as Shape).corners = corners;
    }
  }
  return found;
}
