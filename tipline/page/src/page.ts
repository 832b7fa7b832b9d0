// The page's entry: starts the worker, shows what it says, gives it what the source wrote.
// It seals nothing and sends nothing itself.

import { byId, fill, find, formatDay, showOnly } from "./dom.js";
import { readDraft } from "./draft.js";
import { FileList } from "./files.js";
import { watchLeave } from "./leave.js";
import type { Closing } from "./notice.js";
import type { FromWorker, KeysetView, ToWorker } from "./protocol.js";
import { ReaderChoice } from "./readers.js";
import { showProgress, showState } from "./status.js";

declare const WORKER_URL: string; // a literal, put in by the build

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

/** The one script address that may be started from here; a policy of this name is made once. */
function makeWorkerUrl(): string {
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("tipline-worker", {
    createScriptURL(url) {
      if (url !== WORKER_URL) throw new TypeError(url);
      return url;
    },
  });
  return policy?.createScriptURL(WORKER_URL) ?? WORKER_URL;
}

const workerUrl = makeWorkerUrl();

function setting(name: string): string {
  return find<HTMLMetaElement>(document, `meta[name=tipline-${name}]`).content;
}

const form = byId<HTMLFormElement>("form");
const closed = byId("closed");
const files = new FileList({
  look: (id, file) => post({ type: "look", id, file }),
  forget: (id) => post({ type: "forget", id }),
});
const readers = new ReaderChoice();
let keyset: KeysetView | undefined;
let worker: Worker;
let stage: "starting" | "idle" | "sending" | "all_sent" = "starting";

function wipe(): void {
  form.reset();
  files.clear();
  readers.clear();
}

function showForm(isShown: boolean): void {
  byId("starting").hidden = true;
  form.hidden = !isShown;
}

function close(reason: string, facts: Readonly<Record<string, string>>): void {
  keyset = undefined;
  showForm(false);
  closed.hidden = false;
  showOnly(closed, "reason", reason);
  const values = Object.entries(facts).map(([name, day]) => [name, formatDay(day)] as const);
  fill(find(closed, `[data-reason=${reason}]`), Object.fromEntries(values));
}

/** Say that the line is going to end, or that somebody else runs it now. */
function announce(closing: Closing | undefined): void {
  const notice = byId("notice");
  notice.hidden = closing === undefined;
  if (closing === undefined) return;
  showOnly(notice, "step", closing.step);
  fill(find(notice, `[data-step=${closing.step}]`), { day: formatDay(closing.on) });
}

function hear(message: FromWorker): void {
  switch (message.type) {
    case "open":
      stage = "idle";
      keyset = message.keyset;
      closed.hidden = true;
      readers.show(keyset);
      announce(message.closing);
      showForm(true);
      return;
    case "closed":
      close(message.reason, message.facts);
      return;
    case "looking":
      files.showProgress(message.id, message.part);
      return;
    case "looked":
      files.show(message.id, message.look);
      return;
    case "sealing":
      stage = "sending";
      showProgress(0, message.totalBytes);
      break;
    case "sending":
      showProgress(message.sentBytes, message.totalBytes);
      break;
    case "finishing":
      stage = "all_sent";
      break;
    case "arrived":
      stage = "idle";
      wipe();
      break;
    case "failed":
      stage = "idle";
      // The new readers follow in a moment, and the form with them.
      showForm(message.reason !== "keyset");
      break;
    case "undecided":
      stage = "idle";
      showForm(true);
      break;
  }
  showState(message.type, message.type === "failed" ? message.reason : "");
}

/** The worker stopped, perhaps for lack of memory: after this nothing more comes from it. */
function mourn(event: ErrorEvent): void {
  event.preventDefault();
  files.giveUp();
  const before = stage;
  if (before === "starting") {
    close("program", {});
    return;
  }
  if (before === "sending") hear({ type: "failed", reason: "program" });
  if (before === "all_sent") hear({ type: "undecided" });
  start();
}

/** Start a worker; it begins by fetching the keyset, long before the source has written. */
function start(): void {
  stage = "starting";
  worker = new Worker(workerUrl);
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(data);
  worker.onerror = mourn;
  post({
    type: "start",
    root: setting("root"),
    minimum: Number(setting("keyset-minimum")),
    build: setting("build"),
  });
}

function post(message: ToWorker): void {
  worker.postMessage(message);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (keyset === undefined || stage !== "idle") return;
  const draft = readDraft(form, { keyset: keyset.number, files });
  if (draft === undefined) return;
  stage = "sending";
  form.hidden = true;
  showState("sealing");
  post({ type: "send", draft });
});

watchLeave(wipe);
start();
