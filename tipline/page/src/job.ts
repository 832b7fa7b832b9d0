// What the worker does: fetch and verify the keyset, look at files, seal a tip, bring it to the
// service.

import { type Attachment, type Look, lookAt, prepareFile } from "./attachment.js";
import { seal, warmUp } from "./envelope.js";
import {
  checkValidity,
  dayOf,
  type Keyset,
  KEYSET_LIMIT_BYTES,
  verifyKeyset,
  viewKeyset,
} from "./keyset.js";
import { chooseRung } from "./ladder.js";
import { fetchNotice, takesTips } from "./notice.js";
import type { Draft, FromWorker } from "./protocol.js";
import { chooseRecipients } from "./recipients.js";
import { type ClosedReason, type FailedReason, Refusal } from "./refusal.js";
import { tarBytes } from "./tar.js";
import { makeMembers } from "./tip.js";
import { LostUpload, upload } from "./upload.js";
import { WatchedFile } from "./watching.js";

const KEYSET_TIMEOUT_MILLISECONDS = 120_000;
const WAITING_LIMIT_BYTES = 64 * 1024 * 1024; // of plans: of 99 photos they are a few kilobytes
const SEALINGS_LIMIT = 3; // a service that loses uploads more often is not going to keep one

export type Report = (message: FromWorker) => void;

/** One page's work, from its start to its last tip. */
export class Job {
  #shown: { readonly keyset: Keyset; readonly on: string } | undefined;
  #minimum: number;
  #isAllSent = false;
  #looks = Promise.resolve();
  readonly #watched = new Map<number, WatchedFile>();

  constructor(
    private readonly settings: { root: string; minimum: number; build: string },
    private readonly report: Report,
  ) {
    this.#minimum = settings.minimum;
  }

  /** Fetch the keyset, and say who reads or why nobody does. */
  async open(): Promise<void> {
    this.#shown = undefined;
    try {
      // Both leave at once, always in this order; that the line has ended is said before all else.
      const [note, notice] = await Promise.allSettled([fetchKeyset(), fetchNotice()]);
      const closing = notice.status === "fulfilled" ? notice.value : undefined;
      if (closing !== undefined && !takesTips(closing)) {
        throw new Refusal("ended", { day: closing.on });
      }
      if (note.status === "rejected") throw note.reason;
      const today = dayOf(new Date());
      const keyset = verifyKeyset(note.value, {
        root: this.settings.root,
        minimum: this.#minimum,
        today,
      });
      const view = viewKeyset(keyset, today);
      this.#minimum = keyset.number;
      this.#shown = { keyset, on: today };
      this.report({ type: "open", keyset: view, closing });
      await warmUp([...keyset.fill, keyset.fill[0] ?? ""]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.report({ type: "closed", reason: error.reason as ClosedReason, facts: error.facts });
    }
  }

  /** Look at a file that was chosen: one after the other, so that memory holds one of them. */
  look(id: number, file: File): void {
    const watched = new WatchedFile(file, (part) => this.report({ type: "looking", id, part }));
    this.#watched.set(id, watched);
    this.#looks = this.#looks.then(async () => {
      const look = watched.isForgotten ? undefined : await tryToLookAt(watched);
      this.#watched.delete(id);
      if (look !== undefined && !watched.isForgotten) this.report({ type: "looked", id, look });
    });
  }

  /** Look no further at a file: it is gone from the list, and the next one waits. */
  forget(id: number): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) watched.isForgotten = true;
  }

  /** Seal a tip and bring it to the service; every way out of here says whether it arrived. */
  async send(draft: Draft): Promise<void> {
    try {
      await this.#deliver(draft);
      this.report({ type: "arrived" });
    } catch (error) {
      const reason = explain(error);
      // Unforeseen after all was sent: it may have arrived, so nobody says that it has not.
      if (reason === "program" && this.#isAllSent) this.report({ type: "undecided" });
      else this.report({ type: "failed", reason });
      // The readers changed: show the new ones before the source sends again.
      if (reason === "keyset") await this.open();
    }
  }

  async #deliver(draft: Draft): Promise<void> {
    this.#isAllSent = false;
    const now = new Date();
    const today = dayOf(now);
    if (this.#shown?.keyset.number !== draft.keyset) throw new Refusal("keyset");
    const { keyset, on: shownOn } = this.#shown;
    checkValidity(keyset, today);
    const attachments: Attachment[] = [];
    const room = { leftBytes: WAITING_LIMIT_BYTES };
    for (const chosen of draft.files) attachments.push(await prepareFile(chosen, room));
    const { build } = this.settings;
    const members = makeMembers(draft, { attachments, build, sealedAt: now });
    const rungBytes = chooseRung(tarBytes(members), { hasAttachments: draft.files.length > 0 });
    if (rungBytes === undefined) throw new Refusal("too_large");
    for (let sealing = 1; ; sealing++) {
      this.report({ type: "sealing", totalBytes: rungBytes });
      const recipients = await chooseRecipients(keyset, { ...draft, shownOn, today });
      try {
        await upload(seal(members, { recipients, rungBytes }), {
          announcement: { channel: draft.channel, keyset: keyset.number },
          totalBytes: rungBytes,
          listener: {
            sent: (sentBytes) => this.report({ type: "sending", sentBytes, totalBytes: rungBytes }),
            finishing: () => {
              this.#isAllSent = true;
              this.report({ type: "finishing" });
            },
            waiting: () => this.report({ type: "waiting" }),
            unknown: () => this.report({ type: "unknown" }),
          },
        });
        return;
      } catch (error) {
        if (!(error instanceof LostUpload)) throw error;
        if (sealing === SEALINGS_LIMIT) throw new Refusal("connection");
      }
    }
  }
}

async function tryToLookAt(file: WatchedFile): Promise<Look | { readonly state: "unreadable" }> {
  try {
    return await lookAt(file);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { state: "unreadable" };
  }
}

async function fetchKeyset(): Promise<Uint8Array> {
  try {
    const response = await fetch("/keyset", {
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(KEYSET_TIMEOUT_MILLISECONDS),
    });
    if (response.status === 409) throw new Refusal("none");
    if (!response.ok) throw new Refusal("unreachable");
    const note = new Uint8Array(await response.arrayBuffer());
    if (note.length > KEYSET_LIMIT_BYTES) throw new Refusal("unsigned");
    return note;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("unreachable");
  }
}

function explain(error: unknown): FailedReason {
  if (!(error instanceof Refusal)) return "program";
  // A keyset that ran out since it was shown is, for the source, a keyset that changed.
  return error.reason === "expired" || error.reason === "early"
    ? "keyset"
    : (error.reason as FailedReason);
}
