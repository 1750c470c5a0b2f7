import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DELIM, FLUSH, pktLines, type TestPacket } from "../../testing/pkt-lines.ts";
import {
  type Boundary,
  type NegotiationStatistics,
  PacketObserver,
} from "./packfile-negotiation.ts";

const ONE = "1".repeat(40);
const TWO = "2".repeat(40);

const NOTHING: NegotiationStatistics = {
  userAgent: "",
  payloadSize: 0,
  packets: 0,
  capabilities: undefined,
  wants: 0,
  haves: 0,
  shallows: 0,
  deepen: "",
  filter: "",
  command: "",
};

interface Observed {
  readonly statistics: NegotiationStatistics;
  readonly wellFormed: boolean;
  /** How often the boundary was reported. */
  readonly boundaries: number;
}

function observe(chunks: readonly Uint8Array[], boundary: Boundary = "done"): Observed {
  const observer = new PacketObserver(boundary);
  let boundaries = 0;
  observer.onBoundary(() => {
    boundaries += 1;
  });
  for (const chunk of chunks) observer.feed(chunk);
  observer.end();
  const { statistics, wellFormed } = observer;
  return { statistics, wellFormed, boundaries };
}

/** Without sizes and numbers of packets, which other tests are about. */
function said(...packets: readonly TestPacket[]): Partial<NegotiationStatistics> {
  const { statistics, wellFormed } = observe([pktLines(...packets)]);
  assert.ok(wellFormed);
  const different = Object.entries(statistics).filter(
    ([name, value]) =>
      !["payloadSize", "packets"].includes(name) && !Object.values(NOTHING).includes(value),
  );
  return Object.fromEntries(different);
}

test("PacketObserver counts what is wanted and what is there", () => {
  const end = [FLUSH, "done"] as const;
  const capabilities = ["cap"];
  assert.deepEqual(said(`want ${ONE} cap`, ...end), { wants: 1, capabilities });
  assert.deepEqual(said(`want ${ONE}`, ...end), { wants: 1 });
  assert.deepEqual(said(`want ${ONE} cap`, `want ${TWO}`, ...end), { wants: 2, capabilities });
  assert.deepEqual(said(`want ${ONE} `, ...end), { wants: 1, capabilities: [""] });
  assert.deepEqual(said(`have ${ONE}`, FLUSH, `have ${TWO}\n`, ...end), { haves: 2 });
  assert.deepEqual(said(`shallow ${ONE}`, `shallow ${TWO}`, ...end), { shallows: 2 });
  assert.deepEqual(said("deepen 1", `deepen-not ${TWO}`, FLUSH), { deepen: `deepen-not ${TWO}` });
  assert.deepEqual(said("filter blob:none", "filter tree:0", FLUSH), { filter: "tree:0" });
});

test("PacketObserver tells command and client", () => {
  const packets = ["command=fetch", "agent=git/foobar", DELIM, `want ${ONE} x`, FLUSH] as const;
  const { capabilities, ...first } = said(...packets);
  assert.deepEqual(first, { command: "fetch", userAgent: "git/foobar", wants: 1 });
  assert.deepEqual(capabilities, ["x"]);
  const agents = said(`want ${ONE} a agent=git/2.1 agent=other`, FLUSH);
  assert.equal(agents.userAgent, "git/2.1");
});

test("PacketObserver counts bytes and packets up to done", () => {
  const lines = [`want ${ONE} a\n`, FLUSH, `have ${TWO}`, DELIM, "done\n"] as const;
  const { statistics } = observe([pktLines(...lines, `have ${ONE}`, FLUSH)]);
  assert.equal(statistics.packets, 4);
  assert.equal(statistics.payloadSize, `want ${ONE} ahave ${TWO}done`.length);
  assert.equal(statistics.haves, 1);
});

test("PacketObserver stops counting where no negotiation is", () => {
  for (const line of [
    "want",
    "have",
    `have ${ONE} x`,
    "shallow",
    "deepen",
    "deepen 1 2",
    "filter",
    "filter a b",
  ]) {
    const { statistics, wellFormed } = observe([pktLines(`want ${ONE} a`, line, `have ${TWO}`)]);
    assert.equal(wellFormed, false, line);
    const { packets, wants, haves, shallows, deepen, filter } = statistics;
    const rest = { haves, shallows, deepen, filter };
    assert.deepEqual({ packets, wants, ...rest }, { ...rest, packets: 1, wants: 1 }, line);
    assert.deepEqual(rest, { haves: 0, shallows: 0, deepen: "", filter: "" }, line);
  }
  const twice = observe([pktLines(`want ${ONE} a`, `want ${TWO} b`)]);
  assert.deepEqual([twice.wellFormed, twice.statistics.wants], [false, 1]);
  for (const bytes of ["00", "0008wan", "xyz!", "fff1"]) {
    assert.equal(observe([pktLines(FLUSH), Buffer.from(bytes)]).wellFormed, false, bytes);
  }
});

test("PacketObserver reports the boundary once, also behind what it can't count", () => {
  const boundaries = (bytes: readonly Uint8Array[], boundary?: Boundary): number =>
    observe(bytes, boundary).boundaries;
  assert.equal(boundaries([pktLines(`want ${ONE}`, FLUSH)]), 0);
  assert.equal(boundaries([pktLines("done\n", "done\n")]), 1);
  // Git ends this line; who doesn't is taken at the word, but gains no time.
  assert.equal(boundaries([pktLines("done")]), 0);
  assert.equal(boundaries([pktLines("have", "done\n")]), 1);
  assert.equal(boundaries([pktLines("argument x", FLUSH, FLUSH)], "flush"), 1);
  assert.equal(boundaries([pktLines("done\n")], "flush"), 0);
  // There is none in what is no stream of packets.
  assert.equal(boundaries([Buffer.from("garbage")]), 1);
  assert.equal(boundaries([Buffer.from("0009do")]), 1);
});

const packet: fc.Arbitrary<TestPacket> = fc.oneof(
  fc.constantFrom<TestPacket>(FLUSH, DELIM, "done\n", "done", "deepen 3", "command=fetch\n"),
  fc.constantFrom(`want ${ONE} cap`, `want ${TWO}\n`, `have ${ONE}\n`, "filter blob:none", "want"),
  fc.string({ unit: "binary-ascii", maxLength: 20 }),
);

test("PacketObserver minds no boundaries of chunks", () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 12 }),
      fc.array(fc.nat({ max: 200 }), { maxLength: 6 }),
      fc.constantFrom<Boundary>("done", "flush"),
      fc.nat({ max: 3 }),
      (packets, cuts, boundary, missing) => {
        const whole = pktLines(...packets);
        const bytes = whole.subarray(0, Math.max(0, whole.length - missing));
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
        ends.sort((left, right) => left - right);
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        assert.deepEqual(observe(chunks, boundary), observe([bytes], boundary));
      },
    ),
  );
});
