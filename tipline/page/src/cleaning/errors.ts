// What keeps a file from being cleaned (tipline/cleaning/errors.py has the same reasons).

/** Why a file is refused. */
export const REASONS = [
  "empty",
  "unknown",
  "unsupported",
  "truncated",
  "malformed",
  "too-complex",
  "encrypted",
  "macros",
] as const;
export type Reason = (typeof REASONS)[number];

/** A file is not cleaned; nothing of the file is in it. */
export class CleaningRefusal extends Error {
  constructor(readonly reason: Reason) {
    super(reason);
  }
}
