import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { parseLooseRefContent } from "../../src/git/ref/loose-ref-content.ts";
import { PackedRefs } from "../../src/git/ref/packed-refs.ts";
import { CorruptRefStoreError } from "../../src/git/ref/ref-store-error.ts";
import { MemoryBytes } from "../../src/git/ref/reftable/byte-source.ts";
import { findInReftables, mergeReftables } from "../../src/git/ref/reftable/merged-reftables.ts";
import { Reftable } from "../../src/git/ref/reftable/reftable.ts";
import { MemoryText } from "../../src/git/ref/text-source.ts";
import { createRefsFixture, type Random, type RefsFixture, seededRandom } from "./refs-fixture.ts";

const ROUNDS = Number(process.env["GITALY_TEST_FUZZ_ROUNDS"] ?? 1500);
const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

for (const format of FORMATS) {
  test(`damaged packed-refs in ${format} give references or a CorruptRefStoreError`, (t) => {
    const random = seededRandom(t);
    const fixture = createRefsFixture(t, random, { format, refFormat: "files", count: 40 });
    const path = join(fixture.repository.path, "packed-refs");
    const whole = fs.readFileSync(path);
    for (let round = 0; round < ROUNDS; round++) {
      const text = mutate(random, whole).toString("latin1");
      corruptAtWorst(() => readPackedRefs(text, format, fixture, random));
    }
  });

  test(`damaged reftables in ${format} give references or a CorruptRefStoreError`, (t) => {
    const random = seededRandom(t);
    const fixture = createRefsFixture(t, random, { format, refFormat: "reftable", count: 150 });
    const { repository } = fixture;
    repository.git(["config", "reftable.blockSize", "512"]);
    repository.git(["pack-refs"]);
    const directory = join(repository.path, "reftable");
    const [name = ""] = fs.readFileSync(join(directory, "tables.list"), "utf8").split("\n");
    const whole = fs.readFileSync(join(directory, name));
    assert.ok(whole.length > 5000);
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutate(random, whole);
      if (random.below(10) > 0) repairEnds(bytes, whole, format);
      corruptAtWorst(() => readReftable(bytes, format, fixture, random));
    }
  });

  test(`damaged loose references in ${format} are parsed or refused`, (t) => {
    const random = seededRandom(t);
    const oid = "1".repeat(format === "sha1" ? 40 : 64);
    for (let round = 0; round < ROUNDS; round++) {
      const whole = Buffer.from(random.pick([`${oid}\n`, "ref: refs/heads/main\n"]));
      const content = parseLooseRefContent(mutate(random, whole).toString("latin1"), format);
      if (content?.kind === "direct") assert.match(content.oid, /^[0-9a-f]+$/);
    }
  });
}

function readPackedRefs(
  text: string,
  format: ObjectFormat,
  { names }: RefsFixture,
  random: Random,
): void {
  const read = new PackedRefs(new MemoryText(text), format);
  const refs = read.isSorted ? read : read.sorted();
  for (let count = 0; count < 5; count++) corruptAtWorst(() => refs.find(random.pick([...names])));
  // Both what is checked the first time and what is trusted the second time.
  const [first = [], second = []] = [0, 1].map(() => [...refs.list("refs/", "")]);
  assert.deepEqual(first, second);
  for (const ref of first) {
    if (ref.kind === "direct") assert.match(ref.oid, /^[0-9a-f]+$/);
    assert.ok(ref.name.startsWith("refs/"));
  }
}

function readReftable(
  bytes: Buffer,
  format: ObjectFormat,
  { names }: RefsFixture,
  random: Random,
): void {
  const table = new Reftable(new MemoryBytes(bytes), format);
  for (let count = 0; count < 5; count++) {
    corruptAtWorst(() => findInReftables([table, table], random.pick([...names])));
  }
  let records = 0;
  for (const record of mergeReftables([table], "refs/")) {
    records++;
    if (record.kind === "direct") assert.match(record.oid, /^[0-9a-f]+$/);
  }
  // No record is shorter than three bytes, so none can have been read twice.
  assert.ok(records < bytes.length / 3);
}

function corruptAtWorst(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof CorruptRefStoreError)) throw error;
  }
}

/** Cuts, flips, overwrites, doubles or removes some bytes. */
function mutate(random: Random, whole: Buffer): Buffer {
  let bytes = Buffer.from(whole);
  for (let count = 1 + random.below(3); count > 0 && bytes.length > 0; count--) {
    const at = random.below(bytes.length);
    const end = Math.min(bytes.length, at + 1 + random.below(40));
    const cut = [bytes.subarray(0, at), bytes.subarray(end)];
    switch (random.below(6)) {
      case 0:
        bytes = Buffer.from(bytes.subarray(0, at));
        break;
      case 1:
        bytes = Buffer.concat(cut);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
        break;
      case 3:
        bytes.fill(random.pick([0, 0xff, 0x0a, 0x5e, 0x80, 0x20]), at, end);
        break;
      default:
        bytes[at] = random.below(256);
    }
  }
  return bytes;
}

/** Gives the table header, footer and checksum back, so that the damage is found behind them. */
function repairEnds(bytes: Buffer, whole: Buffer, format: ObjectFormat): void {
  const headerBytes = format === "sha1" ? 24 : 28;
  const footerBytes = headerBytes + 44;
  if (bytes.length < headerBytes + footerBytes) return;
  whole.copy(bytes, 0, 0, headerBytes);
  whole.copy(bytes, bytes.length - footerBytes, whole.length - footerBytes);
  const footer = bytes.subarray(-footerBytes);
  footer.writeUInt32BE(crc32(footer.subarray(0, -4)), footerBytes - 4);
}
