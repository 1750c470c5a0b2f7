import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DomainError } from "../../base/error/domain-error.ts";
import {
  HookService,
  type ReferenceTransactionHookRequest,
  ReferenceTransactionHookRequest_State,
  ReferenceTransactionHookRequestSchema,
} from "../../proto/hook_pb.ts";
import { testCall } from "../../testing/server-call.ts";
import {
  collect,
  type TestHookRequest,
  type TestHookService,
  testHookService,
} from "../../testing/test-hook-service.ts";
import { receiveInput } from "../../testing/test-hooks.ts";
import { referenceTransactionHook } from "./reference-transaction-hook.ts";

const { PREPARED, COMMITTED, ABORTED, PREPARING } = ReferenceTransactionHookRequest_State;
const TRANSACTION = { id: 5n, node: "node-1", primary: true, backchannelId: 0n };

interface StateRequest extends TestHookRequest {
  readonly state?: ReferenceTransactionHookRequest_State;
}

function call(t: TestContext, service: TestHookService, requests: readonly StateRequest[]) {
  const schema = ReferenceTransactionHookRequestSchema;
  const messages = requests.map((request) => create(schema, request));
  return callWith(t, service, messages);
}

async function callWith(
  t: TestContext,
  { needs }: TestHookService,
  messages: readonly ReferenceTransactionHookRequest[],
) {
  const stream = (async function* () {
    yield* messages;
  })();
  const context = testCall(HookService.method.referenceTransactionHook, { signal: t.signal });
  return collect(referenceTransactionHook(needs)(stream, context));
}

function update(
  { address, environmentVariables }: TestHookService,
  first: StateRequest = {},
): StateRequest[] {
  const { changes } = receiveInput();
  return [{ repository: address, environmentVariables, ...first }, { stdin: changes }];
}

test("referenceTransactionHook votes on what changes", async (t) => {
  const line = Buffer.from(receiveInput().changes).toString().trim();
  for (const [state, votes] of [
    [PREPARING, [`vote preparing ${line}`]],
    [PREPARED, [`vote prepared ${line}`]],
    [COMMITTED, [`vote committed ${line}`]],
    [ABORTED, []],
  ] as const) {
    const service = testHookService(t, { context: { transaction: TRANSACTION } });
    const replies = await call(t, service, update(service, { state }));
    assert.deepEqual(replies, [{ exitStatus: { value: 0 } }]);
    assert.deepEqual(service.steps, votes);
  }
});

test("referenceTransactionHook lets everything pass that is no transaction", async (t) => {
  const service = testHookService(t);
  assert.deepEqual(await call(t, service, update(service)), [{ exitStatus: { value: 0 } }]);
  assert.deepEqual(service.steps, []);
});

test("referenceTransactionHook knows no transactions on disk", async (t) => {
  const service = testHookService(t, {}, { diskTransactionId: 5n });
  await assert.rejects(call(t, service, update(service)), {
    kind: "internal",
    message: "reference-transaction hook: get transaction: transaction not found",
  });
});

test("referenceTransactionHook refuses requests without a repository or state", async (t) => {
  const service = testHookService(t);
  await assert.rejects(call(t, service, []), {
    kind: "internal",
    message: "receiving first request: EOF",
  });
  await assert.rejects(call(t, service, [{}]), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  const schema = ReferenceTransactionHookRequestSchema;
  const request = toBinary(schema, create(schema, { repository: service.address }));
  // Field 4 with a number that means nothing yet.
  const unknown = fromBinary(schema, Buffer.concat([request, Buffer.of(4 << 3, 9)]));
  await assert.rejects(callWith(t, service, [unknown]), {
    kind: "invalid-argument",
    message: "invalid hook state",
  });
});

test("referenceTransactionHook fails as the vote does", async (t) => {
  for (const [thrown, kind] of [
    ["aborted", "aborted"],
    ["failed-precondition", "failed-precondition"],
    ["unavailable", "internal"],
  ] as const) {
    const vote = () => Promise.reject(new DomainError(thrown, "lost"));
    const context = { transaction: TRANSACTION };
    const service = testHookService(t, { voter: { vote }, context });
    await assert.rejects(call(t, service, update(service)), {
      kind,
      message: "reference-transaction hook: error voting on transaction: lost",
    });
  }
});

test("referenceTransactionHook says what is wrong with the environment", async (t) => {
  const service = testHookService(t);
  await assert.rejects(call(t, service, update(service, { environmentVariables: [] })), {
    kind: "internal",
    message:
      "reference-transaction hook: extracting hooks payload: no hooks payload found in environment",
  });
});
