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
  // A link that would throw away a tip on its way.
  byId("languages").hidden = isOnItsWay;
  // From here on the answer stands first: what to think of before writing has been read.
  for (const id of ["before", "protection"]) byId(id).hidden = true;
  if (isNew && ["sealing", "arrived", "failed", "undecided"].includes(state)) {
    // The source looks at the form's end: bring the answer into view, and to a screen reader.
    panel.focus();
    scrollTo(0, 0);
  }
}

export function showProgress(sentBytes: number, totalBytes: number): void {
  progress.max = totalBytes;
  progress.value = sentBytes;
}
