// The page's cleaning in a worker of its own: told is how long planning and reading out take.

import { CleanedFile, CleaningRefusal, planCleaning } from "../../tipline/page/src/cleaning/clean";

const READ_BYTES = 256 * 1024; // as the page reads a file into an envelope

async function readOut(content) {
  for (let offset = 0; offset < content.size; offset += READ_BYTES) {
    await content.slice(offset, Math.min(offset + READ_BYTES, content.size)).arrayBuffer();
  }
}

self.onmessage = async ({ data: file }) => {
  try {
    const began = performance.now();
    const plan = await planCleaning(file);
    const planned = performance.now();
    await readOut(new CleanedFile(plan, file));
    const read = performance.now();
    await readOut(file);
    self.postMessage({
      kinds: plan.kinds.join(" "),
      pieces: plan.pieces.length,
      plan: planned - began,
      read: read - planned,
      floor: performance.now() - read,
    });
  } catch (error) {
    if (!(error instanceof CleaningRefusal)) throw error;
    self.postMessage({ refused: error.reason });
  }
};
