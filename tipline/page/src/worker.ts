// The worker's entry: messages in, messages out, the work in job.ts.

import { Job } from "./job.js";
import type { FromWorker, ToWorker } from "./protocol.js";

// TypeScript's library for pages and the one for workers cannot both be loaded.
const scope = self as unknown as {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
};

let job: Job | undefined;

scope.onmessage = ({ data }) => {
  if (data.type === "start") {
    job = new Job(data, (message) => scope.postMessage(message));
    void job.open();
  } else if (data.type === "look") {
    job?.look(data.id, data.file);
  } else if (data.type === "forget") {
    job?.forget(data.id);
  } else {
    void job?.send(data.draft);
  }
};
