import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHooksPayload } from "../../hooks/payload/hooks-payload.ts";
import { HookService } from "../../proto/hook_pb.ts";
import { FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

function environment(diskTransactionId?: bigint): string[] {
  const payload = encodeHooksPayload({
    requestedHooks: new Set(["proc-receive"]),
    featureFlags: new Map(),
    repository: { storageName: "default", relativePath: "a.git" },
    objectFormat: "sha1",
    runtimeDirectory: "",
    internalSocket: "",
    internalSocketToken: "",
    transaction: undefined,
    diskTransactionId,
    user: undefined,
    clientContext: undefined,
  });
  return [`GITALY_HOOKS_PAYLOAD=${payload}`];
}

const COMMAND = `${"0".repeat(40)} ${"1".repeat(40)} refs/heads/main`;

test("procReceiveHook answers the greeting and says that nobody waits for the commands", async (t) => {
  const server = await startTestServer(t);
  for (const [features, confirmed] of [
    ["", ""],
    ["\0push-options atomic\n", "\0push-options atomic"],
    ["\0atomic other", "\0atomic"],
  ] as const) {
    const options = features.includes("push-options") ? [pktLines("ci.skip", FLUSH)] : [];
    const stdin = Buffer.concat([
      pktLines(`version=1${features}`, FLUSH),
      pktLines(COMMAND, FLUSH),
      ...options,
    ]);
    const requests = [
      { environmentVariables: environment(7n) },
      { stdin: stdin.subarray(0, 9) },
      { stdin: stdin.subarray(9) },
    ];
    const replies = await collect(server.client(HookService).procReceiveHook(requests));
    const stdout = Buffer.concat(replies.map((reply) => reply.stdout));
    assert.deepEqual(stdout, pktLines(`version=1${confirmed}`, FLUSH));
    const last = replies.at(-1);
    assert.equal(last?.exitStatus?.value, 1);
    assert.equal(
      Buffer.from(last?.stderr ?? []).toString(),
      "transmitting handler: no waiters for id: 7",
    );
  }
});

/** What is no protocol at all, and what is said of it. */
const MALFORMED = [
  ["0000", "receiving header: flush packets do not have a payload"],
  ["0001", "receiving header: packet length 4 does not match header length 1"],
  ["0004", "unsupported version: "],
  ["ab", 'expected version negotiation: pktLineSplitter: incomplete length prefix on "ab"'],
  ["00zz", `expected version negotiation: ${decodeLength("00zz")}`],
  ["\xff\n00", `expected version negotiation: ${decodeLength("\\xff\\n00")}`],
  ["fff1", "expected version negotiation: pktLineSplitter: invalid length: 65521"],
  ["-00a", "expected version negotiation: pktLineSplitter: invalid length: -10"],
  ["0010version", "expected version negotiation: unexpected EOF"],
  [
    "+00dversion=1",
    'receiving header: parsing length header "+00d": strconv.ParseUint: parsing "+00d": invalid syntax',
  ],
  ["000dversion=100", 'expected flush: pktLineSplitter: incomplete length prefix on "00"'],
  [
    "000dversion=100000002",
    "receiving reference update: packet length 4 does not match header length 2",
  ],
  ["000dversion=10000\xe4", 'parsing stdin: pktLineSplitter: incomplete length prefix on "\\xe4"'],
  [
    "001aversion=1\0push-options000000000001",
    "getting push option payload: packet length 4 does not match header length 1",
  ],
] as const;

function decodeLength(quoted: string): string {
  return `pktLineSplitter: decode length: strconv.ParseInt: parsing "${quoted}": invalid syntax`;
}

test("procReceiveHook refuses hooks that don't speak its protocol", async (t) => {
  const server = await startTestServer(t);
  const greeting = pktLines("version=1", FLUSH);
  for (const [environmentVariables, stdin, message] of [
    [
      [],
      greeting,
      "creating handler: extracting hooks payload: no hooks payload found in environment",
    ],
    [environment(), greeting, "creating handler: no transaction found in payload"],
    [
      environment(7n),
      Buffer.alloc(0),
      "creating handler: expected version negotiation: %!w(<nil>)",
    ],
    [
      environment(7n),
      pktLines("version=2", FLUSH),
      "creating handler: unsupported version: version=2",
    ],
    [environment(7n), pktLines("version=1"), "creating handler: expected flush: %!w(<nil>)"],
    [environment(7n), pktLines("version=1", "more"), "creating handler: expected pkt flush"],
    [
      environment(7n),
      Buffer.concat([greeting, pktLines("one two")]),
      "creating handler: parse reference update: unknown ref update format: [one two]",
    ],
    ...MALFORMED.map(
      ([text, message]) =>
        [environment(7n), Buffer.from(text, "latin1"), `creating handler: ${message}`] as const,
    ),
  ] as const) {
    const requests = [{ environmentVariables: [...environmentVariables] }, { stdin }];
    const call = collect(server.client(HookService).procReceiveHook(requests));
    await assert.rejects(call, { kind: "internal", message });
  }
  const nothing = collect(server.client(HookService).procReceiveHook([]));
  await assert.rejects(nothing, { kind: "internal", message: "receiving first request: EOF" });
});

test("procReceiveHook ends when the hook goes away", async (t) => {
  const server = await startTestServer(t);
  const controller = new AbortController();
  async function* requests() {
    yield { environmentVariables: environment(7n) };
    yield { stdin: pktLines("version=1", FLUSH) };
    await new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
  }
  const { signal } = controller;
  const replies = server.client(HookService).procReceiveHook(requests(), { signal });
  await replies.next();
  controller.abort();
  await assert.rejects(collect(replies));
});
