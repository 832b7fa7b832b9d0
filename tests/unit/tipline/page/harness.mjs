// Call functions of the page's modules, as node runs them: cases come in as JSON, answers go out.
//
//   node harness.mjs MODULE.ts < [{"call": NAME, "args": [...]}, ...]
//
// Bytes are {"hex": ...}, a file is {"file": hex, "name": ..., ...}. An answer is {"value": ...} or
// {"error": reason}.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../../../../tipline/page/src");
const { outputFiles } = await build({
  entryPoints: [join(SOURCES, process.argv[2])],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  write: false,
});
const encoded = Buffer.from(outputFiles[0].contents).toString("base64");
const module = await import(`data:text/javascript;base64,${encoded}`);

function revive(_key, value) {
  if (value?.hex !== undefined) return new Uint8Array(Buffer.from(value.hex, "hex"));
  if (value?.date !== undefined) return new Date(value.date);
  if (typeof value?.file === "string") {
    return new File([Buffer.from(value.file, "hex")], value.name, value);
  }
  if (value?.blob !== undefined) return new Blob([Buffer.from(value.blob, "hex")]);
  return value;
}

async function replace(value) {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") };
  if (value?.size !== undefined && "slice" in value) {
    return replace(new Uint8Array(await value.slice(0, value.size).arrayBuffer()));
  }
  if (Array.isArray(value)) return Promise.all(value.map(replace));
  if (typeof value === "object" && value !== null) {
    if (Symbol.asyncIterator in value) {
      const pieces = [];
      for await (const piece of value) pieces.push(Buffer.from(piece));
      return { hex: Buffer.concat(pieces).toString("hex") };
    }
    const entries = Object.entries(value).map(async ([key, item]) => [key, await replace(item)]);
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

const answers = [];
for (const { call, args } of JSON.parse(readFileSync(0, "utf8"), revive)) {
  try {
    answers.push({ value: await replace(await module[call](...args)) });
  } catch (error) {
    answers.push({ error: error.reason ?? String(error) });
  }
}
process.stdout.write(JSON.stringify(answers));
