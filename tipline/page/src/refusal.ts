// Why the page takes no tips, or why a tip has not arrived: a reason that the page has words for.

/** The keyset is the reason: nobody may be written to until a good one is served. */
export type ClosedReason =
  | "unreachable" // no answer came
  | "ended" // the line takes no tips any more
  | "none" // the service has no keyset that it may give
  | "unsigned" // not signed by the pinned root, or not in its format
  | "expired"
  | "early" // not valid yet: the device's clock, or the desk's
  | "old" // an older one than was seen before
  | "unread"; // no channel has a reader today

/** The tip is the reason, or the way to the service. */
export type FailedReason =
  | "keyset" // the readers changed since the page was opened
  | "no_reader" // everybody was left out
  | "no_text"
  | "text_too_long"
  | "days" // no days, or the last before the first
  | "too_many_files"
  | "too_large"
  | "file" // a file could not be read any more, or is not what the source was shown
  | "uncleaned" // a file cannot be cleaned, and the source did not say that it may go as it is
  | "refused" // by the service
  | "connection" // lost for too long, before all was sent
  | "program"; // unforeseen

/** Thrown where a rule of this page ends the work; never carries what the source wrote. */
export class Refusal extends Error {
  constructor(
    readonly reason: ClosedReason | FailedReason,
    readonly facts: Readonly<Record<string, string>> = {},
  ) {
    super(reason);
  }
}
