import assert from "node:assert/strict";
import test from "node:test";
import { DomainError } from "../../../base/error/domain-error.ts";
import type { LogFields, Logger } from "../../../base/log/logger.ts";
import { RefService } from "../../../proto/ref_pb.ts";
import { type TestCallOptions, testCall } from "../../../testing/server-call.ts";
import { RpcError, wrapError } from "../../rpc-error.ts";
import { STATUS_CODE } from "../../status/status.ts";
import { callFilter, logCalls } from "./call-log.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

function recorder(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warning"),
    error: write("error"),
    with: () => logger,
  };
  return { logger, lines };
}

const { refExists, listRefs } = RefService.method;

async function lineOf(options: TestCallOptions = {}, error?: Error): Promise<Line> {
  const { logger, lines } = recorder();
  const call = testCall(refExists, options);
  const run = logCalls(logger, () => true)(call, async () => {
    call.logFields["grpc.request.repoPath"] = "a.git";
    Object.assign(call.statistics, { receivedBytes: 10, sentBytes: 20 });
    if (error !== undefined) throw error;
  });
  if (error === undefined) await run;
  else await assert.rejects(run, (thrown) => thrown === error);
  const [line, ...more] = lines;
  assert.ok(line !== undefined && more.length === 0);
  return line;
}

test("a call that went well is one line with all that is known of it", async () => {
  const startedAtMs = new Date(2026, 4, 30, 18, 8, 3, 123).getTime();
  const { level, message, fields } = await lineOf({
    startedAtMs,
    deadlineMs: startedAtMs + 10_000,
    metadata: {
      "gitaly-feature-run-fast": "true",
      "gitaly-feature-be-careful": "true",
      "gitaly-feature-off": "false",
    },
  });
  assert.equal(level, "info");
  assert.equal(message, "finished unary call with code OK");
  const { "grpc.time_ms": timeMs, ...rest } = fields;
  assert.ok(typeof timeMs === "number" && timeMs >= 0);
  assert.deepEqual(rest, {
    component: "gitaly.UnaryServerInterceptor",
    system: "grpc",
    "span.kind": "server",
    "grpc.service": "gitaly.RefService",
    "grpc.method": "RefExists",
    "grpc.start_time": "2026-05-30T18:08:03.123",
    "grpc.request.deadline": "2026-05-30T18:08:13.123",
    "grpc.code": "OK",
    "grpc.request.payload_bytes": 10,
    "grpc.response.payload_bytes": 20,
    "grpc.request.repoPath": "a.git",
    feature_flags: "be_careful run_fast",
  });
});

test("a streaming call is called so", async () => {
  const { logger, lines } = recorder();
  await logCalls(logger, () => true)(testCall(listRefs), async () => undefined);
  assert.equal(lines[0]?.message, "finished streaming call with code OK");
  assert.equal(lines[0]?.fields["component"], "gitaly.StreamServerInterceptor");
});

const LEVELS = {
  info: ["cancelled", "invalid-argument", "not-found", "already-exists", "unauthenticated"],
  warning: [
    "deadline-exceeded",
    "permission-denied",
    "failed-precondition",
    "aborted",
    "out-of-range",
    "resource-exhausted",
  ],
  error: ["unknown", "unimplemented", "internal", "data-loss", "unavailable"],
} as const;

for (const [level, kinds] of Object.entries(LEVELS)) {
  for (const kind of kinds) {
    test(`a call that failed as ${kind} is logged as ${level}`, async () => {
      const line = await lineOf({}, new RpcError(kind, "went wrong"));
      assert.equal(line.level, level);
      assert.equal(line.fields["error"], "went wrong");
    });
  }
}

test("every kind of error has its level", () => {
  assert.deepEqual(Object.values(LEVELS).flat().sort(), Object.keys(STATUS_CODE).sort());
});

test("causes and their facts are told, the outermost fact first", async () => {
  const root = new Error("ENOENT");
  const inner = new DomainError("not-found", "no such pack", {
    cause: root,
    metadata: { pack: "p1", depth: 2 },
  });
  const outer = wrapError("internal", "reading commit", inner);
  const top = new RpcError("internal", "cannot list commits", {
    cause: outer,
    metadata: { depth: 1 },
  });
  const { fields } = await lineOf({}, top);
  assert.equal(fields["error"], "cannot list commits: reading commit: no such pack: ENOENT");
  assert.deepEqual(fields["error_metadata"], { pack: "p1", depth: 1 });
  const plain = await lineOf({}, new TypeError("x is not a function"));
  assert.equal(plain.level, "error");
  assert.equal(plain.message, "finished unary call with code Internal");
  assert.equal(plain.fields["error"], "x is not a function");
});

test("errors that cause each other are told once", async () => {
  const error = new Error("a");
  error.cause = error;
  assert.equal((await lineOf({}, error)).fields["error"], "a");
});

test("a filter chooses the methods whose calls are logged", async () => {
  const check = "/grpc.health.v1.Health/Check";
  const exists = "/gitaly.RefService/RefExists";
  for (const [allow, deny, logged] of [
    ["", "", [exists]],
    ["", "RefExists$", [check]],
    ["Health", "Health", [check]],
  ] as const) {
    assert.deepEqual([check, exists].filter(callFilter(allow, deny)), logged);
  }
  const { logger, lines } = recorder();
  await logCalls(logger, () => false)(testCall(refExists), async () => undefined);
  assert.deepEqual(lines, []);
  assert.throws(() => callFilter("(", ""), SyntaxError);
});
