// Seals and opens with npm `age-encryption`, many cases in one process.
// stdin: a JSON list of jobs; stdout: a JSON list of answers in the same order.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { Decrypter, Encrypter, armor } from "age-encryption";

function read(path, size) {
  if (size === 0) return new Blob([]).stream();
  const end = size === undefined ? undefined : size - 1;
  return Readable.toWeb(createReadStream(path, { end, highWaterMark: 1 << 20 }));
}

async function seal(job) {
  const encrypter = new Encrypter();
  for (const recipient of job.recipients) encrypter.addRecipient(recipient);
  if (job.passphrase) {
    encrypter.setScryptWorkFactor(job.work_factor);
    encrypter.setPassphrase(job.passphrase);
  }
  if (job.armored) {
    const plain = readFileSync(job.source).subarray(0, job.size);
    writeFileSync(job.destination, armor.encode(await encrypter.encrypt(plain)));
    return {};
  }
  const sealed = await encrypter.encrypt(read(job.source, job.size));
  await sealed.pipeTo(Writable.toWeb(createWriteStream(job.destination)));
  return {};
}

async function open(job) {
  const decrypter = new Decrypter();
  for (const identity of job.identities) decrypter.addIdentity(identity);
  if (job.passphrase) decrypter.addPassphrase(job.passphrase);
  const hash = createHash("sha256");
  if (job.armored) {
    hash.update(await decrypter.decrypt(armor.decode(readFileSync(job.source, "ascii"))));
    return { sha256: hash.digest("hex") };
  }
  for await (const chunk of await decrypter.decrypt(read(job.source))) hash.update(chunk);
  return { sha256: hash.digest("hex") };
}

const answers = [];
for (const job of JSON.parse(await text(process.stdin))) {
  answers.push(await (job.verb === "seal" ? seal(job) : open(job)));
}
process.stdout.write(JSON.stringify(answers));
