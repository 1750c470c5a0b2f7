import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ObjectFormat } from "../oid/oid.ts";
import type { DiffLimits } from "./diff-limits.ts";
import { DiffReader } from "./diff-reader.ts";
import { LINE_BYTES_MAX } from "./patch-reader.ts";

const ZERO = "0".repeat(40);
const ONE = "1".repeat(40);
const TWO = "2".repeat(40);

interface Read {
  readonly path: string;
  readonly patch: string;
  readonly [field: string]: unknown;
}

/** Reads `text` in chunks of `chunkBytes`. */
function read(
  text: string | Buffer,
  limits: DiffLimits = {},
  options: { readonly chunkBytes?: number; readonly format?: ObjectFormat } = {},
): Read[] {
  const { chunkBytes = Number.POSITIVE_INFINITY, format = "sha1" } = options;
  const reader = new DiffReader(format, limits);
  const data = Buffer.from(text);
  const files: Read[] = [];
  const take = (diffs: ReturnType<DiffReader["end"]>): void => {
    for (const diff of diffs) {
      const { change, binary, collapsed, tooLarge, overflowMarker, patchSize } = diff;
      const { lineCount, byteCount, linesAdded, linesRemoved } = diff;
      files.push({
        ...{ ...change, path: change.toPath, binary, collapsed, tooLarge, overflowMarker },
        ...{ patchSize, lineCount, byteCount, linesAdded, linesRemoved },
        patch: diff.takePatch().toString("latin1"),
      });
    }
  };
  for (let start = 0; start < data.length; start += chunkBytes) {
    take(reader.push(data.subarray(start, start + chunkBytes)));
  }
  take(reader.end());
  return files;
}

/** An added file whose patch has these lines. */
function added(path: string, ...lines: readonly string[]): { raw: string; patch: string } {
  const names = `diff --git a/${path} b/${path}\nnew file mode 100644\nindex ${ZERO}..${ONE}\n`;
  const hunk = `@@ -0,0 +1 @@\n${lines.map((line) => `${line}\n`).join("")}`;
  return {
    raw: `:000000 100644 ${ZERO} ${ONE} A\t${path}\n`,
    patch: `${names}--- /dev/null\n+++ b/${path}\n${hunk}`,
  };
}

function joined(files: readonly { raw: string; patch: string }[]): string {
  return `${files.map(({ raw }) => raw).join("")}\n${files.map(({ patch }) => patch).join("")}`;
}

const RICH = `:000000 100644 ${ZERO} ${ONE} A\tnew
:100644 100755 ${ONE} ${ONE} M\tonly-mode
:100644 100644 ${ONE} ${TWO} R090\t"old \\"\\303\\244\\""\tb
:100644 000000 ${ONE} ${ZERO} D\tgone
:100644 100644 ${ONE} ${TWO} M\timage
:100644 120000 ${ONE} ${TWO} T\tlink

diff --git a/new b/new
new file mode 100644
index ${ZERO}..${ONE}
--- /dev/null
+++ b/new
@@ -0,0 +1,2 @@
+a
+++ b
diff --git a/only-mode b/only-mode
old mode 100644
new mode 100755
diff --git "a/old \\"\\303\\244\\"" b/b
similarity index 90%
rename from "old \\"\\303\\244\\""
rename to b
index ${ONE}..${TWO} 100644
--- "a/old \\"\\303\\244\\""
+++ b/b
@@ -1,3 +1,3 @@ heading
 same
--- x
+y
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100644
index ${ONE}..${ZERO}
diff --git a/image b/image
index ${ONE}..${TWO} 100644
Binary files a/image and b/image differ
diff --git a/link b/link
deleted file mode 100644
index ${ONE}..${ZERO}
--- a/link
+++ /dev/null
@@ -1 +0,0 @@
-text
diff --git a/link b/link
new file mode 120000
index ${ZERO}..${TWO}
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+target
\\ No newline at end of file`;

test("DiffReader joins raw lines and patches", () => {
  const files = read(RICH);
  assert.deepEqual(
    files.map(({ path, linesAdded, linesRemoved, binary, patch }) => [
      path,
      linesAdded,
      linesRemoved,
      binary,
      patch,
    ]),
    [
      ["new", 2, 0, false, "@@ -0,0 +1,2 @@\n+a\n+++ b\n"],
      ["only-mode", 0, 0, false, ""],
      [
        "b",
        1,
        1,
        false,
        "@@ -1,3 +1,3 @@ heading\n same\n--- x\n+y\n\\ No newline at end of file\n",
      ],
      ["gone", 0, 0, false, ""],
      ["image", 0, 0, true, "Binary files a/image and b/image differ\n"],
      ["link", 0, 1, false, "@@ -1 +0,0 @@\n-text\n"],
      ["link", 1, 0, false, "@@ -0,0 +1 @@\n+target\n\\ No newline at end of file"],
    ],
  );
  const [, , renamed, , , removed, created] = files;
  assert.equal(renamed?.["fromPath"], 'old "\xc3\xa4"');
  assert.deepEqual(
    [removed, created].map((file) => [file?.["oldMode"], file?.["newMode"], file?.["toId"]]),
    [
      [0o100644, 0, ZERO],
      [0, 0o120000, TWO],
    ],
  );
});

test("DiffReader doesn't care where chunks end", () => {
  const limits = { enforceLimits: true, maxFiles: 9, maxLines: 99, maxBytes: 999 } as const;
  const limited = { ...limits, maxPatchBytes: 60, collapseDiffs: true, safeMaxFiles: 2 } as const;
  for (const each of [{}, limited, { ...limited, maxLines: 5, collectAllPaths: true }]) {
    const expected = read(RICH, each);
    for (let chunkBytes = 1; chunkBytes < 70; chunkBytes++) {
      assert.deepEqual(read(RICH, each, { chunkBytes }), expected);
    }
  }
});

test("DiffReader reads raw lines alone, of both object formats", () => {
  const [id, other] = ["a".repeat(64), "b".repeat(64)];
  const text = `:100644 100644 ${id} ${other} M\tx\n:100644 100644 ${id} ${other} C75\tx\ty\n`;
  const files = read(`${text}:cut off`, {}, { format: "sha256" });
  assert.deepEqual(
    files.map(({ fromPath, toPath, toId }) => [fromPath, toPath, toId]),
    [
      ["x", "x", other],
      ["x", "y", other],
    ],
  );
  assert.deepEqual(read(""), []);
});

test("DiffReader counts words as lines", () => {
  const text = joined([added("x", " same", "-a", "+b", "~", "~ not an end", "+c", "~")]);
  const [file] = read(text);
  assert.equal(file?.patch, "@@ -0,0 +1 @@\n same\n-a\n+b\n~\n+c\n~\n");
  assert.deepEqual([file["lineCount"], file["linesAdded"], file["byteCount"]], [6, 2, 19]);
});

test("DiffReader collapses patches beyond a safe limit", () => {
  const text = joined([added("a", "+1", "+2"), added("b", "+3", "+4"), added("c", "+5")]);
  const limits = { collapseDiffs: true, safeMaxFiles: 9, safeMaxLines: 9, safeMaxBytes: 99 };
  const collapsed = (changes: DiffLimits): unknown[] =>
    read(text, { ...limits, ...changes }).map((file) => file["collapsed"]);
  assert.deepEqual(collapsed({}), [false, false, false]);
  assert.deepEqual(collapsed({ safeMaxFiles: 1 }), [false, true, true]);
  // What a collapsed patch would have used is free again.
  assert.deepEqual(collapsed({ safeMaxLines: 3 }), [false, true, false]);
  assert.deepEqual(collapsed({ safeMaxBytes: 7 }), [false, true, false]);
});

test("DiffReader ends at a limit, or goes on without patches", () => {
  const text = joined([added("a", "+1", "+2"), added("b", "+3", "+4"), added("c", "+5")]);
  const limits = { enforceLimits: true, maxFiles: 9, maxLines: 9, maxBytes: 99 } as const;
  const summary = (changes: DiffLimits): unknown[] =>
    read(text, { ...limits, maxPatchBytes: 99, ...changes }).map((file) => [
      file.path,
      file["overflowMarker"],
      file.patch === "",
      file["linesAdded"],
    ]);
  const [a, b, c] = [
    ["a", false, false, 2],
    ["b", false, false, 2],
    ["c", false, false, 1],
  ];
  assert.deepEqual(summary({}), [a, b, c]);
  assert.deepEqual(summary({ maxFiles: 1 }), [a, ["", true, true, 0]]);
  for (const reached of [{ maxLines: 4 }, { maxBytes: 12 }]) {
    assert.deepEqual(summary(reached), [a, ["", true, true, 0]]);
  }
  assert.deepEqual(summary({ maxLines: 4, patchLimitsOnly: true }), [a, b, c]);
  assert.deepEqual(summary({ maxLines: 4, collectAllPaths: true }), [
    a,
    ["b", true, true, 2],
    ["c", true, true, 1],
  ]);
});

test("DiffReader leaves out patches that are too large for their type of file", () => {
  const files = ["x.txt", "dir.d/Dockerfile", ".gitignore", "y.txt.md"];
  const text = joined(files.map((path) => added(path, "+123456789")));
  const limits = { enforceLimits: true, maxFiles: 9, maxLines: 99, maxBytes: 999 } as const;
  const tooLarge = (extensions: Readonly<Record<string, number>>): unknown[] => {
    const maxPatchBytesForFileExtension = new Map(Object.entries(extensions));
    const read1 = read(text, { ...limits, maxPatchBytes: 25, maxPatchBytesForFileExtension });
    assert.ok(read1.every((file) => file["tooLarge"] === (file.patch === "")));
    assert.ok(read1.every((file) => file["patchSize"] === 25));
    return read1.filter((file) => file["tooLarge"] === true).map(({ path }) => path);
  };
  assert.deepEqual(tooLarge({}), files);
  assert.deepEqual(tooLarge({ ".txt": 26, ".d": 99, ".gitignore": 26 }), [
    "dir.d/Dockerfile",
    "y.txt.md",
  ]);
  assert.deepEqual(tooLarge({ Dockerfile: 26, ".md": 26, gitignore: 26 }), ["x.txt", ".gitignore"]);
});

test("DiffReader bounds the limits of a request", () => {
  const files = Array.from({ length: 502 }, (_, index) => added(`file-${index}`, "+"));
  const limits = { collapseDiffs: true, safeMaxFiles: 2 ** 31 - 1, safeMaxLines: 2 ** 31 - 1 };
  const collapsed = read(joined(files), { ...limits, safeMaxBytes: 2 ** 31 - 1 });
  assert.equal(
    collapsed.findIndex((file) => file["collapsed"] === true),
    500,
  );
});

test("DiffReader unescapes paths", () => {
  const paths = [
    [String.raw`"a\tb\n\r\\\"\a\b\f\v\'\/"`, "a\tb\n\r\\\"\x07\b\f\v'/"],
    [String.raw`"\303\244\q\8"`, "\xc3\xa4\\q\\8"],
    [String.raw`trailing\ `.trimEnd(), "trailing\\"],
    [`"only one`, `"only one`],
  ];
  for (const [quoted, path] of paths) {
    const [file] = read(`:000000 100644 ${ZERO} ${ONE} A\t${quoted}\n\n`);
    assert.equal(file?.path, path);
  }
});

test("DiffReader refuses what git doesn't print", () => {
  const raw = `:000000 100644 ${ZERO} ${ONE} A\ta\n`;
  assert.throws(() => read(":nonsense\n"), { message: "raw line regexp mismatch" });
  assert.throws(() => read(`:888888 100644 ${ZERO} ${ONE} A\ta\n`), {
    message: 'raw old mode: strconv.ParseInt: parsing "888888": invalid syntax',
  });
  assert.throws(() => read(`${raw}\nnonsense\n`), { message: "diff header regexp mismatch" });
  const long = "x".repeat(LINE_BYTES_MAX);
  assert.throws(() => read(`${raw}\ndiff --git a/${long}`), { message: "difference is too large" });
});

test("DiffReader survives any bytes", () => {
  const words = [
    ":",
    "\n",
    "diff --git a/x b/x\n",
    "@@",
    "+",
    "-",
    "---",
    "~\n",
    "Binary",
    "x",
    "é",
  ];
  const raw = `:100644 100644 ${ONE} ${TWO} M\tx\n`;
  const piece = fc.constantFrom(...words, raw, `${raw}\n`);
  fc.assert(
    fc.property(fc.array(piece), fc.integer({ min: 1, max: 30 }), (pieces, chunkBytes) => {
      const outcome = (size: number): unknown => {
        try {
          return read(pieces.join(""), {}, { chunkBytes: size });
        } catch (error) {
          return String(error);
        }
      };
      assert.deepEqual(outcome(chunkBytes), outcome(1_000_000));
    }),
  );
});
