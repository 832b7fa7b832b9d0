// What is inside an envelope: tip.json, text.txt and the files (reference/formats.md, "tip.json").

import type { Draft } from "./protocol.js";
import { Refusal } from "./refusal.js";
import type { Member } from "./tar.js";

const TEXT_LIMIT_BYTES = 262_144;
const FILES_LIMIT = 99; // generated names have two digits

function extensionOf(name: string): string {
  return /\.([a-z0-9]{1,5})$/.exec(name.toLowerCase())?.[1] ?? "bin";
}

function pathOf(file: File, index: number): string {
  return `files/${String(index + 1).padStart(2, "0")}.${extensionOf(file.name)}`;
}

/**
 * The members of a tip's tar.
 *
 * The text stands in both files as the same bytes: `text.txt` is for a reader who has nothing but
 * age and tar.
 */
export function makeMembers(
  draft: Draft,
  { build, sealedAt }: { build: string; sealedAt: Date },
): Member[] {
  const text = new TextEncoder().encode(draft.text);
  if (draft.text.trim() === "") throw new Refusal("no_text");
  if (text.length > TEXT_LIMIT_BYTES) throw new Refusal("text_too_long");
  if (draft.files.length > FILES_LIMIT) throw new Refusal("too_many_files");
  const tip = {
    version: 1,
    // A lone surrogate has no UTF-8: what is sealed is what text.txt holds.
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(text),
    channel: draft.channel,
    keyset: draft.keyset,
    language: draft.language,
    sealing: "browser",
    build,
    sealed_at: sealedAt.toISOString(),
    kind: draft.kind,
    category: draft.category,
    place: draft.place,
    days: draft.days,
    danger: draft.danger,
    attachments: draft.files.map((file, index) => ({
      path: pathOf(file, index),
      name: file.name,
      type: file.type,
      size_bytes: file.size,
      modified_at: new Date(file.lastModified).toISOString(),
    })),
  };
  return [
    { name: "tip.json", content: new Blob([JSON.stringify(tip)]) },
    { name: "text.txt", content: new Blob([text]) },
    ...draft.files.map((file, index) => ({ name: pathOf(file, index), content: file })),
  ];
}
