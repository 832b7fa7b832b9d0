// Build the source's page into tipline/static/: deterministic, content-hashed, nothing else.
//
// The worker comes first, because its address is a literal in the page's script: the Trusted Types
// policy lets exactly this one address through.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PAGE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(PAGE, "..", "static");
const HASH_LEN = 16; // of the SHA-256, in hex: enough to name a file, the whole is in build.json

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, entry)],
    absWorkingDir: join(PAGE, "..", ".."),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "eof", // the licences of what is bundled ask for it
    define,
    write: false,
    logLevel: "warning",
  });
  return Buffer.from(outputFiles[0].contents);
}

const files = {};
const contents = new Map();

function add(logicalName, bytes) {
  const digest = sha256(bytes);
  const [stem, extension] = logicalName.split(".");
  const name = `${stem}-${digest.slice(0, HASH_LEN)}.${extension}`;
  files[logicalName] = { name, sha256: digest, size_bytes: bytes.length };
  contents.set(name, bytes);
  return name;
}

const worker = add("worker.js", await bundle("src/worker.ts"));
const workerUrl = JSON.stringify(`/static/${worker}`);
add("page.js", await bundle("src/page.ts", { WORKER_URL: workerUrl }));
add("page.css", await bundle("style.css"));
add("icon.svg", await readFile(join(PAGE, "icon.svg")));

const templates = {};
for (const name of (await readdir(join(PAGE, "templates"))).sort()) {
  templates[name] = sha256(await readFile(join(PAGE, "templates", name)));
}
const id = sha256(JSON.stringify({ files, templates }));

const description = JSON.stringify({ build: id, files, templates }, null, 2) + "\n";
contents.set("build.json", Buffer.from(description)); // last: it names the others

// Whoever reads meanwhile finds each file whole, as it was or as it is now.
await mkdir(STATIC, { recursive: true });
for (const [name, bytes] of contents) {
  const unfinished = join(STATIC, `.${name}.${process.pid}`);
  await writeFile(unfinished, bytes);
  await rename(unfinished, join(STATIC, name));
}
for (const name of await readdir(STATIC)) {
  const another = name.startsWith("."); // building at this moment
  if (!contents.has(name) && !another)
    await rm(join(STATIC, name), { recursive: true, force: true });
}
