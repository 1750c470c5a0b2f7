import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { ByteCache } from "./byte-cache.ts";
import { FilePool } from "./file-pool.ts";
import { FANOUT_BYTES, OidTable, type OidTableSlice } from "./oid-table.ts";

const OID_BYTES = 20;

/** A table of these ids in this order, without values. */
function tableOf(path: string, oids: readonly Buffer[]): OidTable {
  const fanout = Buffer.alloc(FANOUT_BYTES);
  for (let first = 0; first < 256; first++) {
    const count = oids.filter((oid) => oid.readUInt8(0) <= first).length;
    fanout.writeUInt32BE(count, first * 4);
  }
  writeFileSync(path, Buffer.concat([fanout, ...oids]));
  const values = FANOUT_BYTES + oids.length * OID_BYTES;
  const layout = { fanout: 0, oids: FANOUT_BYTES, oidStride: OID_BYTES, values, valueStride: 0 };
  const cache = new ByteCache<OidTableSlice>(10_000_000);
  return new OidTable(new FilePool(8).open(path), layout, "sha1", cache);
}

function temporaryFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oid-table-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "table");
}

/** Ids that stand anywhere, or close together in several ways. */
const oid = fc
  .tuple(
    fc.constantFrom("", "00", "ab", "ab0000", "abcdef01", "ffffffffff"),
    fc.uint8Array({ minLength: OID_BYTES, maxLength: OID_BYTES }),
  )
  .map(([start, bytes]) => {
    const prefix = Buffer.from(start, "hex");
    return Buffer.concat([prefix, bytes]).subarray(0, OID_BYTES);
  });

test("an id is found where it stands however unevenly ids are spread", (t) => {
  const path = temporaryFile(t);
  fc.assert(
    fc.property(fc.array(oid, { maxLength: 300 }), oid, (given, other) => {
      const oids = [...new Map(given.map((each) => [each.toString("hex"), each])).values()];
      oids.sort(Buffer.compare);
      const table = tableOf(path, oids);
      for (const [position, each] of oids.entries()) assert.equal(table.find(each), position);
      const expected = oids.findIndex((each) => each.equals(other));
      assert.equal(table.find(other), expected);
      table.file.close();
    }),
  );
});

test("a table out of order is searched to an end and gives no other id", (t) => {
  const path = temporaryFile(t);
  fc.assert(
    fc.property(fc.array(oid, { minLength: 1, maxLength: 300 }), oid, (oids, other) => {
      const table = tableOf(path, oids);
      for (const each of [...oids, other]) {
        const position = table.find(each);
        if (position >= 0) assert.deepEqual(oids[position], each);
      }
      table.file.close();
    }),
  );
});
