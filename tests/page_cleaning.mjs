// Clean files by the page's own code: a request a line on stdin, an answer a line on stdout.
//
// A request is {"base64": ...} or {"path": ...}, and "out" where the cleaned file is to be written.
// An answer is {"refused": reason}, or {"format", "kinds", "pieces", "sha256", "length"}; of a piece
// either [offset, length], or its bytes as hex. The first line out says what words there are.

import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../tipline/page/src");
const { outputFiles } = await build({
  entryPoints: [join(SOURCES, "cleaning/clean.ts")],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  write: false,
});
const encoded = Buffer.from(outputFiles[0].contents).toString("base64");
const { cleanedBlob, CleaningRefusal, EXTENSIONS, KINDS, planCleaning, REASONS } = await import(
  `data:text/javascript;base64,${encoded}`
);

function show(piece) {
  return piece instanceof Uint8Array
    ? Buffer.from(piece).toString("hex")
    : [piece.offset, piece.lengthBytes];
}

async function clean({ base64, path, out }) {
  const file =
    path === undefined ? new Blob([Buffer.from(base64, "base64")]) : await openAsBlob(path);
  let plan;
  try {
    plan = await planCleaning(file);
  } catch (error) {
    if (error instanceof CleaningRefusal) return { refused: error.reason };
    throw error;
  }
  const cleaned = Buffer.from(await cleanedBlob(plan, file).arrayBuffer());
  if (out !== undefined) await writeFile(out, cleaned);
  return {
    format: plan.format,
    kinds: plan.kinds,
    pieces: plan.pieces.map(show),
    sha256: createHash("sha256").update(cleaned).digest("hex"),
    length: cleaned.length,
  };
}

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

say({ extensions: EXTENSIONS, kinds: KINDS, reasons: REASONS });
for await (const line of createInterface({ input: process.stdin })) {
  say(await clean(JSON.parse(line)));
}
