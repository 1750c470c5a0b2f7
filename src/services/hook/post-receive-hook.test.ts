import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { AccessCheck } from "../../hooks/access/access-check.ts";
import { HookService, PostReceiveHookRequestSchema } from "../../proto/hook_pb.ts";
import { testCall } from "../../testing/server-call.ts";
import {
  collect,
  type TestHookRequest,
  type TestHookService,
  testHookService,
} from "../../testing/test-hook-service.ts";
import { receiveInput } from "../../testing/test-hooks.ts";
import { postReceiveHook } from "./post-receive-hook.ts";

async function call(
  t: TestContext,
  { needs }: TestHookService,
  requests: readonly TestHookRequest[],
) {
  const messages = requests.map((request) => create(PostReceiveHookRequestSchema, request));
  const stream = (async function* () {
    yield* messages;
  })();
  const context = testCall(HookService.method.postReceiveHook, { signal: t.signal });
  return collect(postReceiveHook(needs)(stream, context));
}

function push(
  { address, environmentVariables }: TestHookService,
  first: TestHookRequest = {},
): TestHookRequest[] {
  const { changes } = receiveInput();
  return [{ repository: address, environmentVariables, ...first }, { stdin: changes }];
}

test("postReceiveHook prints GitLab's messages and what custom hooks say", async (t) => {
  const postReceive: AccessCheck["postReceive"] = async ({ pushOptions }) => ({
    referenceCounterDecreased: true,
    messages: [{ type: "basic", message: `options ${pushOptions}` }],
  });
  const scripts = { "post-receive": 'echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_1" >&2' };
  const service = testHookService(t, { access: { postReceive }, scripts });
  const replies = await call(t, service, push(service, { gitPushOptions: ["a", "b c"] }));
  assert.deepEqual(replies, [
    { stdout: Buffer.from("\noptions a,b c\n\n") },
    { stderr: Buffer.from("2 b c\n") },
    { exitStatus: { value: 0 } },
  ]);
});

test("postReceiveHook refuses requests without a repository", async (t) => {
  const service = testHookService(t);
  await assert.rejects(call(t, service, []), { kind: "internal", message: "EOF" });
  await assert.rejects(call(t, service, [{}]), {
    kind: "invalid-argument",
    message: "repository not set",
  });
});

test("postReceiveHook ends with status 1 and the reason", async (t) => {
  const service = testHookService(t);
  const withoutChanges = push(service).slice(0, 1);
  assert.deepEqual(await call(t, service, withoutChanges), [
    { stderr: Buffer.from("hook got no reference updates"), exitStatus: { value: 1 } },
  ]);
  assert.deepEqual(await call(t, service, push(service, { environmentVariables: [] })), [
    {
      stderr: Buffer.from("extracting hooks payload: no hooks payload found in environment"),
      exitStatus: { value: 1 },
    },
  ]);
});

test("postReceiveHook ends with the status of a custom hook", async (t) => {
  const service = testHookService(t, { scripts: { "post-receive": "exit 7" } });
  assert.deepEqual(await call(t, service, push(service)), [
    { stderr: Buffer.of(), exitStatus: { value: 7 } },
  ]);
});

test("postReceiveHook takes a push without changes on a server that isn't the primary", async (t) => {
  const transaction = { id: 1n, node: "node-1", primary: false, backchannelId: 0n };
  const service = testHookService(t, { context: { transaction } });
  const replies = await call(t, service, push(service).slice(0, 1));
  assert.deepEqual(replies, [{ exitStatus: { value: 0 } }]);
  assert.deepEqual(service.steps, ["vote synchronized synchronize post-receive hook"]);
});

test("postReceiveHook knows no transactions on disk", async (t) => {
  const service = testHookService(t, {}, { diskTransactionId: 5n });
  const replies = await call(t, service, push(service));
  const stderr = Buffer.from("get transaction: transaction not found");
  assert.deepEqual(replies, [{ stderr, exitStatus: { value: 1 } }]);
  assert.deepEqual(service.steps, []);
});
