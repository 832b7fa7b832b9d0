// Prepare two files that wait to be sealed, with room for one plan, and count what is read of them.
//
//   node waiting.mjs < {"file": hex, "changed": hex, "room": bytes}
//
// Out comes what is left of the room, how often each was read (prepared, sealed, sealed again), and
// what becomes of one that was exchanged for "changed" while it waited.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../../../../tipline/page/src");
const { outputFiles } = await build({
  entryPoints: [join(SOURCES, "attachment.ts")],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  write: false,
});
const encoded = Buffer.from(outputFiles[0].contents).toString("base64");
const { lookAt, prepareFile } = await import(`data:text/javascript;base64,${encoded}`);

const given = JSON.parse(readFileSync(0, "utf8"));

/** A file that counts how often it is read, and may become another one. */
class Counted {
  name = "a.jpg";
  reads = 0;

  constructor(hex) {
    this.become(hex);
  }

  become(hex) {
    this.blob = new Blob([Buffer.from(hex, "hex")]);
    this.size = this.blob.size;
  }

  slice(start, end) {
    this.reads++;
    return this.blob.slice(start, end);
  }
}

async function prepare(file, room) {
  const look = await lookAt(file);
  file.reads = 0;
  return prepareFile({ file, look, isConsented: false, withOriginal: false }, room);
}

async function seal({ content, check }) {
  const data = await content.slice(0, content.size).arrayBuffer();
  await check();
  return Buffer.from(data).toString("hex");
}

const room = { leftBytes: given.room };
const files = [];
for (let i = 0; i < 2; i++) {
  const file = new Counted(given.file);
  const attachment = await prepare(file, room);
  const reads = [file.reads];
  const sealed = [];
  for (let time = 0; time < 2; time++) {
    const before = file.reads;
    sealed.push(await seal(attachment));
    reads.push(file.reads - before);
  }
  files.push({ reads, sealed });
}
const exchanged = new Counted(given.file);
const attachment = await prepare(exchanged, { leftBytes: 0 });
exchanged.become(given.changed);
const end = await seal(attachment).catch((error) => error.reason);
process.stdout.write(JSON.stringify({ leftBytes: room.leftBytes, files, end }));
