import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { extractTar } from "./extract-tar.ts";
import { TarError } from "./tar-reader.ts";

const SIGNAL = new AbortController().signal;

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += length) {
    yield bytes.subarray(start, start + length);
  }
}

const tar = (...args: string[]): Buffer => execFileSync("tar", args);

test("extractTar unpacks what tar packs, in each of its formats", async (t) => {
  const from = temporaryDirectory(t);
  const long = `${"d".repeat(90)}/${"e".repeat(120)}`;
  mkdirSync(join(from, long), { recursive: true });
  writeFileSync(join(from, long, "f".repeat(200)), "long");
  writeFileSync(join(from, "empty"), "");
  writeFileSync(join(from, "program"), "x".repeat(100_000));
  chmodSync(join(from, "program"), 0o750);
  symlinkSync("program", join(from, "link"));
  for (const format of ["gnu", "pax", "posix"]) {
    const archive = tar(`--format=${format}`, "-c", "-C", from, ".");
    for (const length of [61, 500, 70_000]) {
      if (length === 61 && format !== "pax") continue;
      const to = temporaryDirectory(t);
      await extractTar(pieces(archive, length), to, { signal: SIGNAL });
      assert.deepEqual(readdirSync(to).sort(), readdirSync(from).sort());
      assert.equal(readFileSync(join(to, long, "f".repeat(200)), "utf8"), "long");
      assert.equal(readFileSync(join(to, "program"), "utf8").length, 100_000);
      assert.equal(statSync(join(to, "program")).mode & 0o777, 0o750);
      assert.equal(readlinkSync(join(to, "link")), "program");
    }
  }
});

test("extractTar keeps to its directory", async (t) => {
  const from = temporaryDirectory(t);
  writeFileSync(join(from, "file"), "evil");
  symlinkSync("..", join(from, "up"));
  const named = (name: string): Buffer =>
    tar("-c", "-P", "-C", from, `--transform=s,^file$,${name},`, "file");
  const throughLink = Buffer.concat([
    tar("-c", "-C", from, "up").subarray(0, 512),
    named("up/file"),
  ]);
  for (const archive of [named("../file"), named("a/../../file"), throughLink]) {
    const folder = temporaryDirectory(t);
    const to = join(folder, "to");
    mkdirSync(to);
    await assert.rejects(extractTar(pieces(archive, 512), to, { signal: SIGNAL }), TarError);
    assert.deepEqual(readdirSync(folder), ["to"]);
  }
  const absolute = temporaryDirectory(t);
  await extractTar(pieces(named("/tmp/file"), 512), absolute, { signal: SIGNAL });
  assert.equal(readFileSync(join(absolute, "tmp/file"), "utf8"), "evil");
  symlinkSync("/etc/passwd", join(from, "absolute"));
  const linked = tar("-c", "-C", from, "absolute");
  await assert.rejects(extractTar(pieces(linked, 512), temporaryDirectory(t), { signal: SIGNAL }), {
    message: "absolute symlink not allowed: absolute -> /etc/passwd",
  });
});

test("extractTar tells of what is no archive, or not all of one", async (t) => {
  const from = temporaryDirectory(t);
  writeFileSync(join(from, "file"), "x".repeat(600));
  const archive = tar("-c", "-C", from, "file");
  const broken = Buffer.from(archive);
  broken[0] = 0x41;
  for (const [bytes, message] of [
    [Buffer.from("hello"), "unexpected EOF"],
    [Buffer.alloc(1024, "x"), "archive/tar: invalid tar header"],
    [broken, "archive/tar: invalid tar header"],
    [archive.subarray(0, 512), "unexpected EOF"],
    [archive.subarray(0, 1000), "unexpected EOF"],
  ] as const) {
    const to = temporaryDirectory(t);
    await assert.rejects(extractTar(pieces(bytes, 100), to, { signal: SIGNAL }), { message });
  }
  // Nothing is missing here but the end's own mark.
  const to = temporaryDirectory(t);
  await extractTar(pieces(archive.subarray(0, 1536), 100), to, { signal: SIGNAL });
  assert.ok(existsSync(join(to, "file")));
  await extractTar(pieces(Buffer.alloc(0), 1), to, { signal: SIGNAL });
});
