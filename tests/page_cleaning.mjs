// Clean files by the page's own code: a request a line on stdin, an answer a line on stdout.
//
// A request is {"base64": ...} or {"path": ...}, and "out" where the cleaned file is to be written;
// "isBare" if it is to be as in a browser that codes nothing by itself.
// An answer is {"refused": reason}, or {"format", "kinds", "pieces", "sha256", "length"}; of a piece
// either [offset, length], or its bytes as hex. Of what is deflated anew there are no pieces. The
// first line out says what words there are.

import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inflateRawSync, inflateSync } from "node:zlib";
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
const { CleanedFile, CleaningRefusal, EXTENSIONS, KINDS, planCleaning, REASONS } = await import(
  `data:text/javascript;base64,${encoded}`
);

function show(piece) {
  return piece instanceof Uint8Array
    ? Buffer.from(piece).toString("hex")
    : [piece.offset, piece.lengthBytes];
}

// No two programs deflate alike: of an archive names, lengths and contents are compared.
function listMembers(archive) {
  const listed = [];
  for (let at = 0; archive.readUInt32LE(at) === 0x04034b50;) {
    const [compressedLength, length] = [
      archive.readUInt32LE(at + 18),
      archive.readUInt32LE(at + 22),
    ];
    const start = at + 30 + archive.readUInt16LE(at + 26);
    const data = archive.subarray(start, start + compressedLength);
    const content = archive.readUInt16LE(at + 8) === 8 ? inflateRawSync(data) : data;
    listed.push(Buffer.from(`${archive.toString("latin1", at + 30, start)}\n${length}\n`), content);
    at = start + compressedLength;
  }
  return Buffer.concat(listed);
}

// The same of a PDF: its objects without the lengths of their streams, and what lies in those.
function listObjects(pdf) {
  const listed = [];
  const text = pdf.toString("latin1");
  const [head, stream] = [/(\d+) 0 obj\n/y, /(<< [^\n]*)\/Length (\d+) >>\nstream\n/y];
  for (let at = text.indexOf("1 0 obj\n"); ;) {
    head.lastIndex = at;
    const number = head.exec(text)?.[1];
    if (number === undefined) return Buffer.concat(listed);
    stream.lastIndex = head.lastIndex;
    const found = stream.exec(text);
    const start = found === null ? head.lastIndex : stream.lastIndex;
    const end = found === null ? text.indexOf("\nendobj\n", start) : start + Number(found[2]);
    const body = found === null ? text.slice(start, end) : found[1];
    const data = pdf.subarray(start, found === null ? start : end);
    const isDeflated = body.includes("/Filter /FlateDecode ") && found !== null;
    listed.push(Buffer.from(`${number}\n${body.length}\n${body}`, "latin1"));
    listed.push(isDeflated ? inflateSync(data) : data);
    at = end + (found === null ? "\nendobj\n" : "\nendstream\nendobj\n").length;
  }
}

function listDeflated(cleaned) {
  if (cleaned.subarray(0, 4).equals(Buffer.from("PK\x03\x04"))) return listMembers(cleaned);
  return cleaned.subarray(0, 5).equals(Buffer.from("%PDF-")) ? listObjects(cleaned) : cleaned;
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
  const content = new CleanedFile(plan, file);
  const cleaned = Buffer.from(await content.slice(0, content.size).arrayBuffer());
  if (out !== undefined) await writeFile(out, cleaned);
  const compared = listDeflated(cleaned);
  return {
    format: plan.format,
    kinds: plan.kinds,
    pieces: compared === cleaned ? plan.pieces.map(show) : [],
    sha256: createHash("sha256").update(compared).digest("hex"),
    length: compared.length,
  };
}

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

say({ extensions: EXTENSIONS, kinds: KINDS, reasons: REASONS });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.isBare) {
    Object.defineProperty(globalThis.crypto, "subtle", { value: undefined, configurable: true });
  }
  say(await clean(request));
  delete globalThis.crypto.subtle; // its own one is its class's
}
