// The notice of a line's end: a small answer of one length, whether there is one or not.

import { isDay } from "./days.js";

const NOTICE_TIMEOUT_MILLISECONDS = 120_000;
const NOTICE_LIMIT_BYTES = 1024; // ours has 128

const STEPS = [
  "announced",
  "intake_stopped",
  "keys_destroyed",
  "closed",
  "handed_over",
  "cancelled",
] as const;

export type ClosingStep = (typeof STEPS)[number];

/** How far the end of the line has come. */
export interface Closing {
  readonly step: ClosingStep;
  readonly on: string;
}

/** Does the line take tips at this step? */
export function takesTips({ step }: Closing): boolean {
  return step === "announced" || step === "handed_over" || step === "cancelled";
}

/** Read an answer; whatever is not a notice is none. */
export function parseNotice(text: string): Closing | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { v, step, on } = value as Record<string, unknown>;
  const known = STEPS.find((one) => one === step);
  if (v !== 1 || known === undefined || typeof on !== "string" || !isDay(on)) return undefined;
  return { step: known, on };
}

/** Ask for it. A line that does not answer this takes tips or refuses them by itself. */
export async function fetchNotice(): Promise<Closing | undefined> {
  try {
    const response = await fetch("/notice", {
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(NOTICE_TIMEOUT_MILLISECONDS),
    });
    const text = await response.text();
    return response.ok && text.length <= NOTICE_LIMIT_BYTES ? parseNotice(text) : undefined;
  } catch {
    return undefined;
  }
}
