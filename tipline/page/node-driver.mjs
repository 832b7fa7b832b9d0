// Run the shipped worker, the very file a browser loads, without a browser.
//
//   node tipline/page/node-driver.mjs --worker FILE --base-url URL --root VERIFIER --channel ID
//       --text FILE [--file FILE ...] [--uncleaned] [--original] [--leave-out READER ...]
//       [--language en] [--minimum N]
//
// Prints the worker's last message as one line of JSON, and ends with 0 only if it is "arrived".
// A file that cannot be cleaned is sent only with --uncleaned: else what was found in each file is
// printed, and nothing is sent. With --original the untouched original of each file that was
// cleaned goes, too.
// The worker sees what it sees in a browser: `self`, `fetch` relative to its origin, Blob, timers.

import { openAsBlob } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { runInThisContext } from "node:vm";

const { values } = parseArgs({
  options: {
    worker: { type: "string" },
    "base-url": { type: "string" },
    root: { type: "string" },
    channel: { type: "string" },
    text: { type: "string" },
    file: { type: "string", multiple: true, default: [] },
    uncleaned: { type: "boolean", default: false },
    original: { type: "boolean", default: false },
    "leave-out": { type: "string", multiple: true, default: [] },
    language: { type: "string", default: "en" },
    minimum: { type: "string", default: "1" },
    build: { type: "string", default: "node-driver" },
  },
});
for (const name of ["worker", "base-url", "root", "channel", "text"]) {
  if (values[name] === undefined) {
    process.stderr.write(`node-driver: --${name} is missing\n`);
    process.exit(2);
  }
}

/** What a file input gives: a Blob that reads from disk, with a name and a time. */
async function openFile(path) {
  const { mtimeMs } = await stat(path);
  const blob = await openAsBlob(path);
  return Object.assign(blob, { name: basename(path), lastModified: Math.floor(mtimeMs) });
}

const text = (await readFile(values.text)).toString("utf8");
const files = await Promise.all(values.file.map(openFile));

const fetchAbsolute = globalThis.fetch;
globalThis.self = globalThis;
globalThis.fetch = (path, init) => fetchAbsolute(new URL(path, values["base-url"]), init);

let keyset;
const looks = [];

function end(state, facts) {
  process.stdout.write(JSON.stringify({ state, ...facts }) + "\n", () => {
    process.exit(state === "arrived" ? 0 : 1);
  });
}

/** What a source does in a browser once every file was looked at. */
function decide() {
  const isRefused = ({ state }) =>
    state === "unreadable" || (state === "uncleaned" && !values.uncleaned);
  if (looks.some(isRefused)) {
    const isRead = looks.every(({ state }) => state !== "unreadable");
    end("failed", { reason: isRead ? "uncleaned" : "file", looks });
    return;
  }
  const draft = {
    keyset,
    channel: values.channel,
    leaveOut: values["leave-out"],
    language: values.language,
    text,
    files: files.map((file, index) => ({
      file,
      look: looks[index],
      isConsented: values.uncleaned,
      withOriginal: values.original && looks[index].state === "cleaned",
    })),
  };
  globalThis.onmessage({ data: { type: "send", draft } });
}

globalThis.postMessage = (message) => {
  if (message.type === "open") {
    keyset = message.keyset.number;
    if (files.length === 0) decide();
    files.forEach((file, id) => globalThis.onmessage({ data: { type: "look", id, file } }));
  } else if (message.type === "looked") {
    looks[message.id] = message.look;
    if (Object.keys(looks).length === files.length) decide();
  } else if (["arrived", "failed", "undecided", "closed"].includes(message.type)) {
    const { type: state, ...facts } = message;
    end(state, facts);
  }
};

runInThisContext(await readFile(values.worker, "utf8"), { filename: values.worker });
globalThis.onmessage({
  data: {
    type: "start",
    root: values.root,
    minimum: Number(values.minimum),
    build: values.build,
  },
});
