import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatManifest, ManifestError, parseManifest } from "./manifest.ts";

test("a manifest reads as other programs write it", () => {
  const manifest = {
    empty: false,
    nonExistent: false,
    objectFormat: "sha1",
    headReference: "refs/heads/main",
    steps: [
      {
        bundlePath: "a/001.bundle",
        refPath: "a/001.refs",
        previousRefPath: "",
        customHooksPath: "h",
      },
      { bundlePath: "b", refPath: "r", previousRefPath: "a/001.refs", customHooksPath: "" },
    ],
  };
  const text = `empty = false
non_existent = false
object_format = 'sha1'
head_reference = 'refs/heads/main'

[[steps]]
bundle_path = 'a/001.bundle'
ref_path = 'a/001.refs'
custom_hooks_path = 'h'

[[steps]]
bundle_path = 'b'
ref_path = 'r'
previous_ref_path = 'a/001.refs'
`;
  assert.equal(formatManifest(manifest), text);
  assert.deepEqual(parseManifest(text), manifest);
});

test("a manifest keeps every text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, empty) => {
      const step = { bundlePath: text, refPath: "r", previousRefPath: "", customHooksPath: text };
      const objectFormat = "sha256";
      const rest = { empty, nonExistent: !empty, objectFormat, headReference: text };
      const manifest = { ...rest, steps: [step] };
      assert.deepEqual(parseManifest(formatManifest(manifest)), manifest);
    }),
  );
});

test("a manifest that was cut or holds something else is refused", () => {
  for (const text of [
    "not toml",
    "empty = fal",
    "empty = 1",
    "steps = 'x'",
    "[[steps]]\nref_path = 1",
  ]) {
    assert.throws(() => parseManifest(text), ManifestError, text);
  }
});
