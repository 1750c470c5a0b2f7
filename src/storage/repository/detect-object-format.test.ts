import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { detectObjectFormat } from "./detect-object-format.ts";
import { UnknownObjectFormatError } from "./object-format.ts";

test("detectObjectFormat knows what git has made", (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    assert.equal(detectObjectFormat(createTestRepository(t, { format }).path), format);
  }
});

test("detectObjectFormat puts up with a configuration that git refuses", (t) => {
  const path = temporaryDirectory(t);
  for (const [config, format] of [
    ["", "sha1"],
    ["x x x foobar", "sha1"],
    ["nonsense\n\tOBJECTFORMAT\t=\tsha256\r\n", "sha256"],
    ["objectformat = sha256\nobjectformat = sha1\n", "sha256"],
    ["; objectformat = sha256\n", "sha1"],
  ] as const) {
    writeFileSync(join(path, "config"), config);
    assert.equal(detectObjectFormat(path), format, config);
  }
});

test("detectObjectFormat refuses formats that don't exist, and a missing configuration", (t) => {
  const path = temporaryDirectory(t);
  for (const format of ["md5", "sha256 ", "sha256 ; comment"]) {
    writeFileSync(join(path, "config"), `objectformat = ${format}\n`);
    assert.throws(() => detectObjectFormat(path), UnknownObjectFormatError);
  }
  rmSync(join(path, "config"));
  const message = `open: open ${path}/config: no such file or directory`;
  assert.throws(() => detectObjectFormat(path), { message });
});
