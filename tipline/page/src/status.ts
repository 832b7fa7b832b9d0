// What the page says about the tip's way. Exactly one state is shown, and none is ambiguous.

import { byId, showOnly } from "./dom.js";

const panel = byId("status");
const progress = byId<HTMLProgressElement>("progress");

/** Show one state of sending. */
export function showState(state: string, reason = ""): void {
  const isNew = panel.hidden || panel.dataset["shown"] !== state;
  panel.hidden = false;
  panel.dataset["shown"] = state;
  showOnly(panel, "state", state);
  showOnly(panel, "reason", reason);
  panel.classList.toggle("good", state === "arrived");
  panel.classList.toggle("stop", state === "failed" || state === "undecided");
  const isOnItsWay = ["sealing", "sending", "finishing", "waiting", "unknown"].includes(state);
  progress.hidden = !isOnItsWay;
  // The answer stands alone; what to think of before writing comes back with the form.
  for (const id of ["before", "protection"]) byId(id).hidden = isOnItsWay || state === "arrived";
  // The source looks at the form's end: bring the answer into view, and to a screen reader.
  if (isNew && ["sealing", "arrived", "failed", "undecided"].includes(state)) panel.focus();
}

export function showProgress(sentBytes: number, totalBytes: number): void {
  progress.max = totalBytes;
  progress.value = sentBytes;
}
