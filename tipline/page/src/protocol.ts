// What the page and its worker say to each other.

import type { ChosenFile, Look } from "./attachment.js";
import type { Closing } from "./notice.js";
import type { ClosedReason, FailedReason } from "./refusal.js";

/** A text in each language of the page. */
export type Names = Readonly<Record<string, string>>;

/** A reader of one channel, today. */
export interface ReaderView {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly since: string;
  readonly until: string | null;
  readonly optional: boolean;
}

export interface ChannelView {
  readonly id: string;
  readonly names: Names;
  readonly categories: readonly { readonly id: string; readonly names: Names }[];
  readonly readers: readonly ReaderView[];
}

/** What the source sees of a verified keyset. */
export interface KeysetView {
  readonly number: number;
  readonly confirmedOn: string;
  readonly validUntil: string;
  readonly channels: readonly ChannelView[];
}

export type Kind = "report" | "proposal" | "good_deed";

/** What the source wrote and chose. */
export interface Draft {
  readonly keyset: number;
  readonly channel: string;
  readonly leaveOut: readonly string[];
  readonly language: string;
  readonly text: string;
  readonly kind?: Kind;
  readonly category?: string;
  readonly place?: string;
  readonly days?: { readonly from: string; readonly to: string };
  readonly danger?: boolean;
  readonly files: readonly ChosenFile[];
}

export type ToWorker =
  | {
      readonly type: "start";
      readonly root: string;
      readonly minimum: number;
      readonly build: string;
    }
  | { readonly type: "look"; readonly id: number; readonly file: File }
  | { readonly type: "forget"; readonly id: number }
  | { readonly type: "send"; readonly draft: Draft };

export type FromWorker =
  | {
      readonly type: "open";
      readonly keyset: KeysetView;
      readonly closing: Closing | undefined;
    }
  | {
      readonly type: "closed";
      readonly reason: ClosedReason;
      readonly facts: Readonly<Record<string, string>>;
    }
  | { readonly type: "looking"; readonly id: number; readonly part: number } // from 0 to 1
  | {
      readonly type: "looked";
      readonly id: number;
      readonly look: Look | { readonly state: "unreadable" };
    }
  | { readonly type: "sealing"; readonly totalBytes: number }
  | { readonly type: "sending"; readonly sentBytes: number; readonly totalBytes: number }
  | { readonly type: "finishing" } // the last slice is leaving: from here it may have arrived
  | { readonly type: "waiting" } // the connection is lost; not all was sent, so it has not arrived
  | { readonly type: "unknown" } // all was sent, no answer came: it may have arrived
  | { readonly type: "undecided" } // the program failed after all was sent
  | { readonly type: "arrived" }
  | { readonly type: "failed"; readonly reason: FailedReason };
