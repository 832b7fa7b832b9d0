// What the source wrote, read from the form.

import { areDays } from "./days.js";
import { byId } from "./dom.js";
import type { FileList } from "./files.js";
import type { Draft, Kind } from "./protocol.js";

function valueOf(id: string): string {
  return byId<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>(id).value;
}

function showFault(name: string, isWrong: boolean): void {
  const fault = byId(`${name}-fault`);
  fault.hidden = !isWrong;
  const field = byId(name === "days" ? "to" : name);
  field.toggleAttribute("aria-invalid", isWrong);
  if (isWrong) field.focus();
}

function readDays(): { from: string; to: string } | undefined {
  const from = valueOf("from") || valueOf("to");
  const to = valueOf("to") || from;
  return from === "" ? undefined : { from, to };
}

/** The draft, or undefined when a fault is now shown beside its field. */
export function readDraft(
  form: HTMLFormElement,
  { keyset, files }: { keyset: number; files: FileList },
): Draft | undefined {
  const fields = new FormData(form);
  const chosen = files.read();
  const text = valueOf("text");
  const days = readDays();
  const areDaysWrong = days !== undefined && !areDays(days);
  showFault("days", areDaysWrong);
  showFault("text", text.trim() === "");
  if (chosen === undefined || areDaysWrong || text.trim() === "") return undefined;
  const kind = valueOf("kind");
  const category = valueOf("category");
  const place = valueOf("place").trim();
  return {
    keyset,
    channel: String(fields.get("channel")),
    leaveOut: fields.getAll("leave-out").map(String),
    language: document.documentElement.lang,
    text,
    files: chosen,
    ...(kind !== "" && { kind: kind as Kind }),
    ...(category !== "" && { category }),
    ...(place !== "" && { place }),
    ...(days !== undefined && { days }),
    ...(byId<HTMLInputElement>("danger").checked && { danger: true }),
  };
}
