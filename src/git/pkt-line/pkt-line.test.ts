import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PKT_LINE_DATA_BYTES_MAX, PktLineEncoder } from "./pkt-line-encoder.ts";
import {
  type Packet,
  PKT_LINE_BYTES_MAX,
  PktLineParser,
  packetText,
  readPktLines,
} from "./pkt-line-parser.ts";
import { ProtocolError } from "./protocol-error.ts";
import { parseSideband, SIDEBAND_DATA_BYTES_MAX, splitSideband } from "./sideband.ts";

describe("PktLineEncoder", () => {
  test("writes the lines of the format's own examples", () => {
    const encoder = new PktLineEncoder().line("a\n").line("a").line("foobar\n").line("");
    encoder
      .data(Buffer.from([0, 0xff]))
      .flush()
      .delim()
      .responseEnd();
    assert.equal(
      encoder.take().toString("latin1"),
      "0006a\n0005a000bfoobar\n00040006\0\xff000000010002",
    );
  });

  test("starts anew after take and leaves the taken bytes alone", () => {
    const encoder = new PktLineEncoder(4).line("one");
    const first = encoder.take();
    assert.equal(encoder.length, 0);
    assert.equal(encoder.line("two").take().toString(), "0007two");
    assert.equal(first.toString(), "0007one");
  });

  test("takes the longest payload and refuses one byte more", () => {
    const encoder = new PktLineEncoder().line("x".repeat(PKT_LINE_DATA_BYTES_MAX));
    assert.equal(encoder.length, PKT_LINE_BYTES_MAX);
    assert.equal(encoder.take().toString("latin1", 0, 5), "fff0x");
    assert.throws(() => encoder.data(Buffer.alloc(PKT_LINE_DATA_BYTES_MAX + 1)), RangeError);
  });

  test("splits a band where git splits it", () => {
    const data = Buffer.alloc(SIDEBAND_DATA_BYTES_MAX + 1, "x");
    const bytes = new PktLineEncoder().sideband(2, data).take();
    const lines = parseAll([bytes]);
    assert.equal(lines.length, 2);
    assert.equal(bytes.toString("latin1", 0, 6), "fff0\u0002x");
    assert.equal(bytes.toString("latin1", PKT_LINE_BYTES_MAX), "0006\u0002x");
  });
});

describe("PktLineParser", () => {
  test("returns what was encoded, however the stream is cut", () => {
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((data) => ({ kind: "data" as const, data })),
      fc.constantFrom({ kind: "flush" as const }, { kind: "delim" as const }),
      fc.constant({ kind: "response-end" as const }),
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(400)), (lines, cuts) => {
        const parsed = parseAll(cutAt(encodeAll(lines), cuts));
        assert.deepEqual(
          parsed.map(plain),
          lines.map((packet) => plain(packet)),
        );
      }),
    );
  });

  test("reads upper-case digits, as git does", () => {
    assert.deepEqual(parseAll([Buffer.from("000Afoobar")]).map(plain), ["foobar"]);
  });

  test("doesn't copy a packet that lies within one chunk", () => {
    const chunk = Buffer.from("0006a\n");
    const [packet] = parseAll([chunk]);
    assert.equal(packet?.kind === "data" && packet.data.buffer === chunk.buffer, true);
  });

  test("leaves what follows the wanted packets", () => {
    const parser = new PktLineParser();
    parser.push(Buffer.from("0005a00"));
    assert.equal(plain(parser.next()), "a");
    assert.equal(parser.next(), undefined);
    parser.push(Buffer.from("00PACK"));
    assert.equal(plain(parser.next()), "flush");
    parser.push(Buffer.from("more"));
    assert.equal(parser.bufferedBytes, 8);
    assert.equal(Buffer.concat(parser.takeRest()).toString(), "PACKmore");
    assert.equal(parser.bufferedBytes, 0);
    parser.end();
  });

  test("refuses malformed lengths", () => {
    for (const bytes of [
      "0003",
      "fff1",
      "ffff",
      "00g0",
      "+001",
      " 004",
      "0x04",
      "-001",
      "\0\0\0\0",
    ]) {
      assert.throws(() => parseAll([Buffer.from(bytes)]), ProtocolError, bytes);
    }
  });

  test("refuses a stream that ends within a line", () => {
    for (const bytes of ["0", "000", "0005", "0006a"]) {
      assert.throws(() => parseAll([Buffer.from(bytes)]), ProtocolError, bytes);
    }
  });

  test("joins a line that comes in single bytes", () => {
    const bytes = new PktLineEncoder().data(Buffer.alloc(60_000, "x")).line("y").take();
    const packets = parseAll([...bytes].map((byte) => Buffer.from([byte])));
    assert.deepEqual(packets.map(plain), ["x".repeat(60_000), "y"]);
  });

  test("random bytes give packets or a ProtocolError, nothing else", () => {
    const digits = fc.constantFrom(...Buffer.from("0123456789abcdefABCDEFg "));
    const bytes = fc.array(fc.oneof(digits, fc.nat(255)), { maxLength: 400 });
    fc.assert(
      fc.property(bytes, (values) => {
        try {
          parseAll([Buffer.from(values)]);
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }),
    );
  });
});

test("readPktLines yields the lines of a stream and notices its early end", async () => {
  const lines: string[] = [];
  for await (const packet of readPktLines(streamOf("0005", "a0000", "0006b\n"))) {
    lines.push(plain(packet));
  }
  assert.deepEqual(lines, ["a", "flush", "b\n"]);
  await assert.rejects(async () => {
    for await (const packet of readPktLines(streamOf("0005a0006")))
      assert.equal(plain(packet), "a");
  }, ProtocolError);
});

test("packetText drops one line feed and keeps bytes apart", () => {
  assert.equal(packetText(Buffer.from("a\n\n")), "a\n");
  assert.equal(packetText(Buffer.from([0xc3, 0xa4])), "\u00c3\u00a4");
  assert.equal(packetText(Buffer.alloc(0)), "");
});

describe("sidebands", () => {
  test("splitSideband yields what the encoder writes, without copying", () => {
    const data = Buffer.alloc(SIDEBAND_DATA_BYTES_MAX * 2 + 7, "z");
    const parts = [...splitSideband(1, data)];
    assert.ok(Buffer.concat(parts).equals(new PktLineEncoder().sideband(1, data).take()));
    assert.equal(parts[1]?.buffer, data.buffer);
    assert.deepEqual([...splitSideband(1, Buffer.alloc(0))], []);
  });

  test("parseSideband tells the band and refuses unknown ones", () => {
    assert.deepEqual(parseSideband(Buffer.from("\u0002hi")), { band: 2, data: Buffer.from("hi") });
    for (const payload of ["", "\0x", "\u0004x", "1"]) {
      assert.throws(() => parseSideband(Buffer.from(payload)), ProtocolError);
    }
  });
});

type Line = { kind: "data"; data: Uint8Array } | { kind: "flush" | "delim" | "response-end" };

function encodeAll(lines: readonly Line[]): Buffer {
  const encoder = new PktLineEncoder();
  for (const line of lines) {
    if (line.kind === "data") encoder.data(line.data);
    else if (line.kind === "flush") encoder.flush();
    else if (line.kind === "delim") encoder.delim();
    else encoder.responseEnd();
  }
  return encoder.take();
}

function parseAll(chunks: readonly Uint8Array[]): Packet[] {
  const parser = new PktLineParser();
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let packet = parser.next(); packet !== undefined; packet = parser.next()) {
      packets.push(packet);
    }
  }
  parser.end();
  return packets;
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (const cut of cuts) {
    chunks.push(bytes.subarray(offset, offset + cut));
    offset = Math.min(offset + cut, bytes.length);
  }
  return [...chunks, bytes.subarray(offset)];
}

function plain(packet: Line | Packet | undefined): string {
  if (packet === undefined) return "none";
  return packet.kind === "data" ? Buffer.from(packet.data).toString("latin1") : packet.kind;
}

async function* streamOf(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk, "latin1");
}
