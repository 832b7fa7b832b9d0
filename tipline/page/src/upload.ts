// The client of the upload protocol (reference/formats.md, "Upload").
//
// 1. The client names the upload, so every request can be repeated after a lost answer.
// 2. After anything but a clear answer it asks where the service stands, and goes on from there.
// 3. "arrived" is reported only when the service said so, "failed" only when it cannot have arrived.
//    After the last slice has left without an answer neither is known: it asks until it knows.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import { base64 } from "@scure/base";
import { Refusal } from "./refusal.js";

const SHORT_TIMEOUT_MILLISECONDS = 60_000; // a Tor circuit that has not answered by then is dead
const SLICE_TIMEOUT_MILLISECONDS = 300_000; // 1 MiB at 4 KiB/s, a bad circuit
const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 20_000;
const PATIENCE_MILLISECONDS = 15 * 60_000; // longer than Tor takes to build new circuits

export interface Listener {
  sent(bytes: number): void;
  /** The last slice is leaving. */
  finishing(): void;
  /** The connection is lost, and not all was sent. */
  waiting(): void;
  /** All was sent, and no answer came. */
  unknown(): void;
}

/** The service lost what it had confirmed before: this envelope cannot be continued. */
export class LostUpload extends Error {}

interface Answer {
  readonly status: number;
  readonly state?: unknown;
  readonly offset?: unknown;
  readonly error?: unknown;
}

/** One request; undefined if no answer came that the protocol knows. */
async function ask(path: string, init: RequestInit, timeout: number): Promise<Answer | undefined> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeout);
  try {
    const response = await fetch(path, {
      ...init,
      signal: abort.signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) return undefined;
    return { ...body, status: response.status };
  } catch {
    // Lost on the way, timed out, or not JSON: the caller asks where the service stands.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Answers that say that this slice was not taken.
 *
 * 503 is none: a service whose disk fails says it, too, and the slice may be stored all the same.
 */
function isClear(answer: Answer | undefined): boolean {
  return answer !== undefined && [409, 460].includes(answer.status);
}

/** Waits longer each time, and knows when to stop. */
class Patience {
  #pause = FIRST_PAUSE_MILLISECONDS;
  #since = Date.now();

  reset(): void {
    this.#pause = FIRST_PAUSE_MILLISECONDS;
    this.#since = Date.now();
  }

  get isOver(): boolean {
    return Date.now() - this.#since > PATIENCE_MILLISECONDS;
  }

  async wait(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#pause));
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MILLISECONDS);
  }
}

/** One envelope on its way. */
class Upload {
  readonly #path = `/uploads/${bytesToHex(randomBytes(16))}`;
  readonly #patience = new Patience();
  #hasFinished = false;
  // The last slice was sent and no answer came. Never taken back before an answer: a request that
  // seems lost may still be on its way, and complete the tip.
  #isUncertain = false;

  constructor(
    private readonly totalBytes: number,
    private readonly listener: Listener,
  ) {}

  /** Say what is (not) known, wait, or give up while giving up is certain. */
  async #pause(): Promise<void> {
    if (this.#isUncertain) {
      this.listener.unknown();
    } else {
      if (this.#patience.isOver) throw new Refusal("connection");
      this.listener.waiting();
    }
    await this.#patience.wait();
  }

  async open(announcement: { channel: string; keyset: number }): Promise<void> {
    const body = JSON.stringify({ ...announcement, size_bytes: this.totalBytes });
    const headers = { "Content-Type": "application/json" };
    for (;;) {
      const answer = await ask(
        this.#path,
        { method: "PUT", headers, body },
        SHORT_TIMEOUT_MILLISECONDS,
      );
      if (answer?.status === 200) return;
      if (answer?.status === 422) throw new Refusal("refused");
      if (answer?.status === 409) throw new Refusal("keyset");
      await this.#pause();
    }
  }

  /** Where the service stands: bytes confirmed, or all of it ("arrived"). */
  async #locate(): Promise<number | "arrived"> {
    for (;;) {
      const answer = await ask(this.#path, { method: "GET" }, SHORT_TIMEOUT_MILLISECONDS);
      if (answer?.status === 200 && answer.state === "arrived") return "arrived";
      if (answer?.status === 200 && typeof answer.offset === "number") return answer.offset;
      if (answer?.status === 404) throw new LostUpload();
      await this.#pause();
    }
  }

  /** Deliver one slice, however often it takes. */
  async deliver(slice: Uint8Array<ArrayBuffer>, start: number): Promise<number | "arrived"> {
    const end = start + slice.length;
    let offset = start;
    for (;;) {
      const rest = slice.subarray(offset - start);
      const isLast = end === this.totalBytes;
      if (isLast && !this.#hasFinished) {
        this.#hasFinished = true;
        this.listener.finishing();
      }
      const answer = await ask(
        this.#path,
        {
          method: "PATCH",
          headers: {
            "Content-Type": "application/octet-stream",
            "Upload-Offset": String(offset),
            "Upload-Checksum": `sha256 ${base64.encode(sha256(rest))}`,
          },
          body: rest,
        },
        SLICE_TIMEOUT_MILLISECONDS,
      );
      if (answer?.status === 200 && answer.state === "arrived") return "arrived";
      if (answer?.status === 422) throw new Refusal("refused");
      if (answer?.status === 404) throw new LostUpload();
      if (isLast && !isClear(answer)) this.#isUncertain = true;
      const isConfirmed = answer?.status === 200 && answer.offset === end;
      if (!isConfirmed && answer?.status !== 409) await this.#pause();
      const stand = isConfirmed ? end : await this.#locate();
      if (stand === "arrived") return "arrived";
      if (stand < start || stand > end) throw new LostUpload();
      if (stand === end && end < this.totalBytes) {
        this.#patience.reset();
        return stand;
      }
      offset = stand;
    }
  }
}

/**
 * Upload an envelope, slice by slice.
 *
 * Returns once the service said that it has arrived.
 */
export async function upload(
  slices: AsyncIterable<Uint8Array<ArrayBuffer>>,
  {
    announcement,
    totalBytes,
    listener,
  }: {
    announcement: { channel: string; keyset: number };
    totalBytes: number;
    listener: Listener;
  },
): Promise<void> {
  const transfer = new Upload(totalBytes, listener);
  await transfer.open(announcement);
  let offset = 0;
  for await (const slice of slices) {
    const stand = await transfer.deliver(slice, offset);
    if (stand === "arrived") return;
    offset = stand;
    listener.sent(offset);
  }
  throw new LostUpload();
}
