import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ObjectFormat } from "../oid/oid.ts";
import { hashObject } from "./object-hash.ts";
import { TreeLookup } from "./tree-lookup.ts";
import { compareTreeNames, encodeTree, findTreeEntry, type TreeEntry } from "./tree-object.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** Letters that come before, at and after a slash in the order of bytes. */
const LETTERS = ["-", ".", "/", "0", "a", "b", "\xff"];

const NAMES = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 4 });
const MODES = fc.constantFrom(0o100644, 0o040000, 0o160000, 0o120000, 0o100664);

function entriesOf(lines: readonly (readonly [string, number])[], format: ObjectFormat) {
  return lines.map(([name, mode]): TreeEntry => {
    const bytes = Buffer.from(name, "latin1");
    return { mode, name: bytes, oid: hashObject("blob", Buffer.from(`${mode} ${name}`), format) };
  });
}

/** Long names that make every tree large enough, before, between and behind the others. */
const LARGE = ["+", "1", "z"].map((letter): [string, number] => [letter.repeat(400), 0o100644]);

function contentOf(
  lines: readonly (readonly [string, number])[],
  isOrdered: boolean,
  format: ObjectFormat,
): Buffer {
  const entries = entriesOf([...lines, ...LARGE], format);
  return encodeTree(isOrdered ? entries.sort(compareTreeNames) : entries);
}

for (const format of FORMATS) {
  test(`an index of a ${format} tree finds what a walk finds`, () => {
    const tree = fc.array(fc.tuple(NAMES, MODES), { maxLength: 30 });
    const paths = fc.array(NAMES, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(tree, fc.boolean(), fc.array(paths, { maxLength: 20 }), (lines, order, asked) => {
        const content = contentOf(lines, order, format);
        const lookup = new TreeLookup(format);
        const all = [...asked.map((names) => names.join("/")), ...lines.map(([name]) => name)];
        for (const path of all.flatMap((name) => [name, `${name}/`, `${name}/x`])) {
          const bytes = Buffer.from(path, "latin1");
          const expected = findTreeEntry(content, bytes, 0, format);
          assert.deepEqual(lookup.find(content, bytes), expected, path);
          const shifted = Buffer.concat([Buffer.from("ab/"), bytes]);
          const found = lookup.find(content, shifted, 3);
          assert.deepEqual(found, findTreeEntry(content, shifted, 3, format), path);
        }
      }),
      { numRuns: 300 },
    );
  });

  test(`the first entry of a name is found in a ${format} tree of any order`, () => {
    const tree = fc.array(fc.tuple(NAMES, MODES), { maxLength: 30 });
    fc.assert(
      fc.property(tree, fc.boolean(), (lines, isOrdered) => {
        const content = contentOf(lines, isOrdered, format);
        const walked = entriesOf([...lines, ...LARGE], format);
        if (isOrdered) walked.sort(compareTreeNames);
        const lookup = new TreeLookup(format);
        for (const { name } of [...walked, { name: Buffer.from("missing") }]) {
          const expected = walked.find((entry) => entry.name.equals(name));
          for (let time = 0; time < 3; time++) {
            assert.deepEqual(lookup.findName(content, name), expected);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
}

test("a damaged tree is read as far as a walk reads it", () => {
  const whole = contentOf([["a", 0o100644]], true, "sha1");
  const cut = whole.subarray(0, whole.length - 1);
  const lookup = new TreeLookup("sha1");
  for (let time = 0; time < 3; time++) {
    assert.ok(lookup.find(cut, Buffer.from("a")));
    assert.throws(() => lookup.find(cut, Buffer.from("zz")), /too-short tree object/);
    assert.throws(() => lookup.findName(cut, Buffer.from("nothing")), /too-short tree object/);
  }
});
