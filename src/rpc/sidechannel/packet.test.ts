import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLUSH_PACKET, PacketReader, packets } from "./packet.ts";

test("payloads come out as they went in, however the bytes are cut", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)));
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
  fc.assert(
    fc.property(chunks, sizes, (sent, cuts) => {
      const wire = Buffer.concat([...packets(sent), FLUSH_PACKET, Buffer.from("ignored")]);
      const reader = new PacketReader();
      const received: Buffer[] = [];
      for (let offset = 0, turn = 0; offset < wire.length; turn += 1) {
        const size = cuts[turn % cuts.length] ?? 1;
        received.push(...reader.push(wire.subarray(offset, offset + size)));
        offset += size;
      }
      assert.ok(reader.flushed);
      assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
    }),
  );
});

test("packets are as large as git's pkt-lines and no larger", () => {
  const wire = packets([Buffer.alloc(65_516 * 2 + 1)]);
  assert.deepEqual(wire.filter((_, index) => index % 2 === 0).map(String), [
    "fff0",
    "fff0",
    "0005",
  ]);
});

test("an empty packet is no end", () => {
  const reader = new PacketReader();
  assert.deepEqual(reader.push(Buffer.from("00040005a")).map(String), ["a"]);
  assert.equal(reader.flushed, false);
});

for (const header of ["0001", "0002", "0003", "fff1", "ffff", "00g0", "-001", " 005", "0x05"]) {
  test(`the header "${header}" is refused`, () => {
    const reader = new PacketReader();
    assert.throws(() => reader.push(Buffer.from(`0005a${header}bcd`)), /sidechannel: invalid/);
  });
}
