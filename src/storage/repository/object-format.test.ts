import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { readObjectFormat, UnknownObjectFormatError } from "./object-format.ts";
import { UnreadableConfigError } from "./repository-config.ts";

test("readObjectFormat tells SHA-1 from SHA-256, whatever the reference storage", (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    for (const refFormat of ["files", "reftable"] as const) {
      const { path } = createTestRepository(t, { format, refFormat });
      assert.equal(readObjectFormat(path), format);
    }
  }
});

test("readObjectFormat reads the setting as git writes and reads it", (t) => {
  const path = temporaryDirectory(t);
  const cases = [
    { config: "", format: "sha1" },
    { config: "[core]\nbare = true\n", format: "sha1" },
    { config: "[core]\n\tobjectformat = sha256\n", format: "sha1" },
    { config: "[Extensions]\nOBJECTFORMAT=sha256", format: "sha256" },
    { config: '[extensions]\r\n  objectFormat = "sha256" # since\r\n', format: "sha256" },
    { config: "[extensions] objectformat = sha256\n[core]\n", format: "sha256" },
    { config: "[extensions]\n; objectformat = sha256\nobjectformat = sha1\n", format: "sha1" },
    { config: '[remote "extensions"]\nobjectformat = sha256\n', format: "sha1" },
  ];
  for (const { config, format } of cases) {
    writeFileSync(join(path, "config"), config);
    assert.equal(readObjectFormat(path), format, config);
  }
});

test("readObjectFormat refuses a format it doesn't know and a missing configuration", (t) => {
  const path = temporaryDirectory(t);
  assert.throws(
    () => readObjectFormat(path),
    (error) => {
      assert.ok(error instanceof UnreadableConfigError);
      return error.message === `open: open ${path}/config: no such file or directory`;
    },
  );
  writeFileSync(join(path, "config"), "[extensions]\nobjectFormat = blake2b");
  assert.throws(
    () => readObjectFormat(path),
    (error) => {
      assert.ok(error instanceof UnknownObjectFormatError);
      return error.message === 'unknown object format: "blake2b"';
    },
  );
});
