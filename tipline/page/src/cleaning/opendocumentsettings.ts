// Settings of OpenDocument: those that lay out pages stay, since lines would break elsewhere without.
//
// The rules are those of docs/reference/cleaning.md; tipline/cleaning/opendocument_settings.py keeps
// them in Python.

import lists from "../../../cleaning/opendocument.json";
import type { Bytes } from "./bytes.js";
import { type Attributes, DECLARATION, decodeMarkup, readMarkup, writeStart } from "./markup.js";
import { endOf } from "./relations.js";

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(lists.settings).flatMap(([kind, names]) =>
    names.split(" ").map((name): [string, string] => [name, kind]),
  ),
);
const VALUES: ReadonlyMap<string, RegExp> = new Map([
  ["boolean", /^(?:true|false)$/],
  ["short", /^[0-9]$/],
  ["int", /^[0-9]{1,5}$/],
]);
const OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const CONFIG = "urn:oasis:names:tc:opendocument:xmlns:config:1.0";
const SET = "ooo:configuration-settings";
const PATH = "document-settings/settings/config-item-set/config-item";

/** Rewrite the settings of a document; undefined if none stays. `count` counts an element. */
export function rewriteSettings(
  untrusted: Bytes,
  count: (attributes: number) => void,
): Bytes | undefined {
  const kept = new Map<string, string>();
  const path: string[] = [];
  const names: string[] = [];
  let text = "";
  for (const event of readMarkup(decodeMarkup(untrusted))) {
    if (typeof event === "string") {
      text += event;
      continue;
    }
    if (event !== undefined) {
      count(event.attributes.size);
      path.push(endOf(event.name, ":"));
      names.push(findName(event.attributes));
    } else {
      const name = names.at(-1) ?? "";
      const isHere = path.length === 4 && names.at(-2) === SET && path.join("/") === PATH;
      if (isHere && VALUES.get(TYPES.get(name) ?? "")?.test(text) === true) kept.set(name, text);
      path.pop();
      names.pop();
    }
    text = "";
  }
  return kept.size > 0 ? write(kept) : undefined;
}

function findName(attributes: Attributes): string {
  for (const [key, value] of attributes) if (endOf(key, ":") === "name") return value;
  return "";
}

function write(kept: ReadonlyMap<string, string>): Bytes {
  const root: [string, string][] = [
    ["office:version", "1.2"],
    ["xmlns:config", CONFIG],
    ["xmlns:office", OFFICE],
  ];
  let text = `${writeStart("office:document-settings", root)}><office:settings>`;
  text += `${writeStart("config:config-item-set", [["config:name", SET]])}>`;
  for (const name of [...kept.keys()].sort()) {
    const said: [string, string][] = [
      ["config:name", name],
      ["config:type", TYPES.get(name) ?? ""],
    ];
    text += `${writeStart("config:config-item", said)}>${kept.get(name)}</config:config-item>`;
  }
  text += "</config:config-item-set></office:settings></office:document-settings>";
  return new TextEncoder().encode(DECLARATION + text);
}
