import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { HookService, UpdateHookRequestSchema } from "../../proto/hook_pb.ts";
import { testCall } from "../../testing/server-call.ts";
import { collect, type TestHookService, testHookService } from "../../testing/test-hook-service.ts";
import { ONE, ZERO } from "../../testing/test-hooks.ts";
import { updateHook } from "./update-hook.ts";

async function call(
  t: TestContext,
  { needs, address, environmentVariables }: TestHookService,
  changes: { ref?: Uint8Array; oldValue?: string; environmentVariables?: string[] } = {},
) {
  const request = create(UpdateHookRequestSchema, {
    repository: address,
    environmentVariables,
    ref: Buffer.from("refs/heads/main"),
    oldValue: ZERO,
    newValue: ONE,
    ...changes,
  });
  const context = testCall(HookService.method.updateHook, { signal: t.signal });
  return collect(updateHook(needs)(request, context));
}

test("updateHook runs custom hooks for the ref", async (t) => {
  const service = testHookService(t, { scripts: { update: 'printf "%s|" "$@"; echo $GL_ID' } });
  const ref = Buffer.from("refs/heads/\xe9", "latin1");
  const replies = await call(t, service, { ref });
  const line = Buffer.concat([ref, Buffer.from(`|${ZERO}|${ONE}|user-1\n`)]);
  const printed = Buffer.concat(replies.map(({ stdout }) => stdout ?? Buffer.of()));
  // Only the process helper hands such bytes on to a program as they are.
  assert.equal(printed.toString().replace(/\ufffd+/, ""), line.toString().replace(/\ufffd+/, ""));
  assert.deepEqual(replies.at(-1), { exitStatus: { value: 0 } });
});

test("updateHook ends with the status of a custom hook", async (t) => {
  const service = testHookService(t, { scripts: { update: "echo error123 >&2; exit 5" } });
  assert.deepEqual(await call(t, service), [
    { stderr: Buffer.from("error123\n") },
    { exitStatus: { value: 5 } },
  ]);
});

test("updateHook refuses requests without a repository", async (t) => {
  const service = testHookService(t);
  await assert.rejects(call(t, { ...service, address: emptyAddress }), {
    kind: "invalid-argument",
    message: "repository not set",
  });
});

const emptyAddress = { storageName: "", relativePath: "", glRepository: "", glProjectPath: "" };

test("updateHook fails when it isn't told what changes", async (t) => {
  const service = testHookService(t);
  const kind = "internal";
  for (const [changes, message] of [
    [{ ref: Buffer.of() }, "hook got no reference"],
    [
      { oldValue: "x" },
      'hook got invalid old value: invalid object ID: "x", expected length 40, got 1',
    ],
    [
      { environmentVariables: [] },
      "extracting hooks payload: no hooks payload found in environment",
    ],
  ] as const) {
    const request = "environmentVariables" in changes ? { environmentVariables: [] } : changes;
    await assert.rejects(call(t, service, request), { kind, message });
  }
  const format = testHookService(t, {}, { objectFormat: "md5" });
  await assert.rejects(call(t, format), {
    kind,
    message: 'looking up object hash: unknown object format: "md5"',
  });
  const nobody = testHookService(t, { context: { user: undefined } });
  await assert.rejects(call(t, nobody), { kind, message: "payload has no receive hooks info" });
});
