import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import {
  PUSH_REQUEST_BYTES_MAX,
  PushRequestParser,
  type PushRequestState,
} from "./push-request-parser.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const OFFER = { advertisesAtomic: true, advertisesPushOptions: true };
const COMMAND = `${A} ${B} refs/heads/main`;

function parse(bytes: Uint8Array, offer = OFFER): [PushRequestState, PushRequestParser] {
  const parser = new PushRequestParser("sha1", offer);
  return [parser.push(bytes), parser];
}

test("a request is read, and the pack behind it left alone", () => {
  const features = "report-status-v2 side-band-64k atomic push-options agent=x object-format=sha1";
  const bytes = Buffer.concat([
    pktLines(`${COMMAND}\0 ${features}`, `${B} ${A} refs/heads/\xff`, FLUSH),
    pktLines("one", "t\xc3\xa4\n", FLUSH),
    Buffer.from("PACK"),
  ]);
  const [state, parser] = parse(bytes);
  assert.equal(state, "complete");
  assert.deepEqual(parser.request, {
    commands: [
      { name: "refs/heads/main", oldOid: A, newOid: B },
      { name: "refs/heads/\xff", oldOid: B, newOid: A },
    ],
    capabilities: {
      reportStatus: false,
      reportStatusV2: true,
      sideband: true,
      quiet: false,
      atomic: true,
      pushOptions: true,
    },
    options: ["one", "tä"],
  });
  assert.equal(Buffer.concat(parser.takeRest()).toString(), "PACK");
});

test("what wasn't offered isn't given", () => {
  const offer = { advertisesAtomic: false, advertisesPushOptions: false };
  const [state, parser] = parse(pktLines(`${COMMAND}\0atomic push-options quiet`, FLUSH), offer);
  assert.equal(state, "complete");
  const { atomic, pushOptions, quiet } = parser.request.capabilities;
  assert.deepEqual(
    { atomic, pushOptions, quiet },
    { atomic: false, pushOptions: false, quiet: true },
  );
});

for (const [name, bytes] of [
  ["shallow pushes", pktLines(`shallow ${A}`, FLUSH)],
  ["certificates", pktLines("push-cert\0push-cert", FLUSH)],
  ["errors", pktLines("ERR no", FLUSH)],
  ["other object formats", pktLines(`${COMMAND}\0object-format=sha256`, FLUSH)],
  ["ids of another length", pktLines(`${A}aa ${B} refs/heads/main`, FLUSH)],
  ["upper-case ids", pktLines(`${A.toUpperCase()} ${B} refs/heads/main`, FLUSH)],
  ["lines without a name", pktLines(`${A} ${B}`, FLUSH)],
  ["features with odd values", pktLines(`${COMMAND}\0atomic=1`, FLUSH)],
  ["delimiters", pktLines({ marker: "delim" })],
  ["lengths that are none", Buffer.from("xxxx")],
] as const) {
  test(`git is left to deal with ${name}`, () => {
    assert.equal(parse(bytes)[0], "unusual");
  });
}

test("a request has a bound", () => {
  const parser = new PushRequestParser("sha1", OFFER);
  const line = pktLines(`${A} ${B} refs/heads/${"x".repeat(60_000)}`);
  let state: PushRequestState = "incomplete";
  let bytes = 0;
  while (state === "incomplete") {
    state = parser.push(line);
    bytes += line.length;
  }
  assert.equal(state, "unusual");
  assert.ok(bytes <= PUSH_REQUEST_BYTES_MAX + line.length);
});

test("random bytes give a request or something for git, however they are cut", () => {
  const good = pktLines(`${COMMAND}\0push-options`, `${B} ${A} x`, FLUSH, "option", FLUSH);
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.nat(good.length), (changes, cut) => {
      const bytes = Buffer.from(good);
      for (const [offset, byte] of changes) bytes[offset] = byte;
      const parser = new PushRequestParser("sha1", OFFER);
      const first = parser.push(bytes.subarray(0, cut));
      const state = first === "incomplete" ? parser.push(bytes.subarray(cut)) : first;
      const [whole, other] = parse(bytes);
      assert.equal(state, whole);
      if (state === "complete") assert.deepEqual(parser.request, other.request);
    }),
  );
});
