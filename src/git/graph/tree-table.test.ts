import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CorruptObjectError } from "../object/object-error.ts";
import { compareTreeNames, encodeTree } from "../object/tree-object.ts";
import { OID_BYTES, type Oid, parseOid } from "../oid/oid.ts";
import { hashName, TreeTable } from "./tree-table.ts";

const FORMATS = ["sha1", "sha256"] as const;
type Format = (typeof FORMATS)[number];

/** What stands under a name: a kind, and which of a few contents. */
type Files = ReadonlyMap<string, { readonly mode: number; readonly content: number }>;

const MODES = [0o100644, 0o100755, 0o40000, 0o160000] as const;
const entry = fc.record({ mode: fc.constantFrom(...MODES), content: fc.nat(2) });
const name = fc.constantFrom(
  "a",
  "a.b",
  "ab",
  "b",
  "b0",
  "c",
  "dd",
  "e",
  "\u00e9",
  "f".repeat(900),
);
const files = fc.array(fc.tuple(name, entry)).map((all): Files => new Map(all));

function oidOf(content: number, format: Format): Oid {
  const oid = parseOid(`${content}`.padStart(OID_BYTES[format] * 2, "c"));
  assert.ok(oid);
  return oid;
}

function treeOf(all: Files, format: Format): Buffer {
  const entries = [...all].map(([key, { mode, content }]) => ({
    mode,
    name: Buffer.from(key),
    oid: oidOf(content, format),
  }));
  return encodeTree(entries.sort(compareTreeNames));
}

function hashOf(text: string): number {
  return hashName(Buffer.from(text));
}

function sorted(numbers: Iterable<number>): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

for (const format of FORMATS) {
  test(`a table tells what another tree has under other names (${format})`, () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 2, maxLength: 5 }), (trees) => {
        let [known, ...others] = trees;
        let table = TreeTable.parse(treeOf(known ?? new Map(), format), format);
        // Tables that come out of a comparison are as good as parsed ones.
        for (const other of others) {
          const compared = table.compare(treeOf(other, format));
          const names = [...new Set([...(known?.keys() ?? []), ...other.keys()])];
          const changed = names.filter((each) => {
            const [a, b] = [known?.get(each), other.get(each)];
            return a?.mode !== b?.mode || a?.content !== b?.content;
          });
          assert.deepEqual(sorted(compared.names), sorted(changed.map(hashOf)));
          for (const [each, { mode, content }] of other) {
            const folder = mode === 0o40000 ? oidOf(content, format) : undefined;
            assert.equal(compared.table.folder(Buffer.from(each)), folder);
          }
          table = compared.table;
          known = other;
        }
      }),
    );
  });

  test(`a table takes names out of order for changed, and none for the same (${format})`, () => {
    const line = (text: string): Buffer => {
      const oid = Buffer.alloc(OID_BYTES[format], text);
      return Buffer.concat([Buffer.from(`100644 ${text}\0`), oid]);
    };
    const [a, b, c] = ["a", "b", "c"].map(line);
    assert.ok(a && b && c);
    const table = TreeTable.parse(Buffer.concat([c, a]), format);
    const other = Buffer.concat([c, b, a]);
    assert.ok(table.compare(other).names.includes(hashOf("b")));
    const twice = TreeTable.parse(Buffer.concat([a, a, b]), format);
    const once = Buffer.concat([a, b]);
    assert.ok(twice.compare(once).names.includes(hashOf("a")));
  });

  test(`a table doesn't come out of a damaged tree (${format})`, () => {
    const tree = treeOf(new Map([["a", { mode: 0o100644, content: 1 }]]), format);
    const cut = tree.subarray(0, tree.length - 1);
    assert.throws(() => TreeTable.parse(cut, format), CorruptObjectError);
    const table = TreeTable.parse(tree, format);
    assert.throws(() => table.compare(cut), CorruptObjectError);
    const lying = Buffer.from(tree);
    lying.write("9", 0, "latin1");
    assert.throws(() => table.compare(lying), CorruptObjectError);
  });
}
