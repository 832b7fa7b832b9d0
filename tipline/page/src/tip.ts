// What is inside an envelope: tip.json, text.txt, the files and their untouched originals
// (reference/formats.md, "tip.json").
//
// The desk never shows a tip that is outside its format, and nobody can tell the source. So what
// the source wrote is refused here if it does not fit, and what only a device says is cut or left
// out.

import type { Attachment } from "./attachment.js";
import { areDays } from "./days.js";
import type { Draft } from "./protocol.js";
import { Refusal } from "./refusal.js";
import type { Member } from "./tar.js";

const TEXT_LIMIT_BYTES = 262_144;
const TIP_JSON_LIMIT_BYTES = 1_048_576;
const WORDS_LIMIT = 500; // characters of a name, a type or a place
const FILES_LIMIT = 99; // generated names have two digits
const FIRST_TIME = Date.parse("0001-01-01T00:00:00.000Z"); // years have four digits
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

function pathOf(folder: "files" | "originals", { extension }: Attachment, index: number): string {
  return `${folder}/${String(index + 1).padStart(2, "0")}.${extension}`;
}

/** The text as its UTF-8 holds it: a lone surrogate has none. */
function toWellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

function toWords(text: string): string {
  return toWellFormed(text.slice(0, WORDS_LIMIT));
}

/** A device may say any number, or none that is a time. */
function timeOf(milliseconds: number): string | undefined {
  const isTime = milliseconds >= FIRST_TIME && milliseconds <= LAST_TIME;
  return isTime ? new Date(milliseconds).toISOString() : undefined;
}

/** Only here does a file's own name go, and its time: the source asked for it. */
function describeOriginal(file: File): object {
  return {
    name: toWords(file.name),
    type: toWords(file.type),
    size_bytes: file.size,
    modified_at: timeOf(file.lastModified),
  };
}

/**
 * The members of a tip's tar.
 *
 * The text stands in both files as the same bytes: `text.txt` is for a reader who has nothing but
 * age and tar.
 */
export function makeMembers(
  draft: Draft,
  {
    attachments,
    build,
    sealedAt,
  }: { attachments: readonly Attachment[]; build: string; sealedAt: Date },
): Member[] {
  const text = new TextEncoder().encode(draft.text);
  if (draft.text.trim() === "") throw new Refusal("no_text");
  if (text.length > TEXT_LIMIT_BYTES) throw new Refusal("text_too_long");
  if (attachments.length > FILES_LIMIT) throw new Refusal("too_many_files");
  const { days } = draft;
  if (days !== undefined && !areDays(days)) throw new Refusal("days");
  const tip = {
    version: 1,
    text: toWellFormed(draft.text),
    channel: draft.channel,
    keyset: draft.keyset,
    language: draft.language,
    sealing: "browser",
    build,
    sealed_at: sealedAt.toISOString(),
    kind: draft.kind,
    category: draft.category,
    // Its field takes no more.
    place: draft.place === undefined ? undefined : toWords(draft.place),
    days,
    danger: draft.danger,
    attachments: attachments.map((attachment, index) => ({
      path: pathOf("files", attachment, index),
      type: attachment.type,
      size_bytes: attachment.content.size,
      cleaning: attachment.cleaning,
      original: attachment.original && describeOriginal(attachment.original),
    })),
  };
  const json = new Blob([JSON.stringify(tip)]);
  // A control character takes six bytes there and one in the text.
  if (json.size > TIP_JSON_LIMIT_BYTES) throw new Refusal("text_too_long");
  return [
    { name: "tip.json", content: json },
    { name: "text.txt", content: new Blob([text]) },
    ...attachments.map((attachment, index) => ({
      name: pathOf("files", attachment, index),
      content: attachment.content,
      ...(attachment.check && { check: attachment.check }),
    })),
    ...attachments.flatMap((attachment, index) =>
      attachment.original
        ? [{ name: pathOf("originals", attachment, index), content: attachment.original }]
        : [],
    ),
  ];
}
