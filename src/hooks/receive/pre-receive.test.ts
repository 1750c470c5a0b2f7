import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { receiveInput, testHooks } from "../../testing/test-hooks.ts";
import { type AccessCheck, type AccessRequest, RateLimitedError } from "../access/access-check.ts";
import type { HookUser, ReceiveInput } from "../context/push-context.ts";
import { HookError, hookFailure, NotAllowedError } from "../hook-errors.ts";

test("pre-receive asks GitLab, then runs custom hooks, then has the push counted", async (t) => {
  const asked: AccessRequest[] = [];
  const clientContext = Buffer.from("context");
  const { manager, context, steps, output, repository } = testHooks(t, {
    scripts: { "pre-receive": "echo hook; cat" },
    context: { clientContext },
    access: {
      allowed: async (request, { correlationId, remoteIp }) => {
        assert.deepEqual([correlationId, remoteIp], ["correlation-1", ""]);
        asked.push(request);
        return { allowed: true, message: "" };
      },
      preReceive: async (glRepository) => {
        assert.equal(glRepository, "project-1");
        assert.match(output.text, /hook/);
        return true;
      },
    },
  });
  const input = receiveInput({ pushOptions: ["ci.skip"] });
  await manager.preReceive(context, input, output, t.signal);
  assert.deepEqual(steps, ["allowed", "pre_receive"]);
  assert.match(output.text, new RegExp(`^out:hook\n.*${input.changes}`, "s"));
  assert.deepEqual(asked, [
    {
      repositoryPath: repository.path,
      relativePath: "repository.git",
      objectDirectory: "",
      alternateObjectDirectories: undefined,
      glRepository: "project-1",
      userId: "user-1",
      protocol: "http",
      changes: input.changes,
      pushOptions: ["ci.skip"],
      clientContext,
    },
  ]);
});

test("pre-receive tells GitLab where the quarantine is", async (t) => {
  const asked: unknown[] = [];
  const allowed: AccessCheck["allowed"] = async (request) => {
    asked.push([request.objectDirectory, request.alternateObjectDirectories]);
    return { allowed: true, message: "" };
  };
  const { manager, context, output, repository } = testHooks(t, { access: { allowed } });
  const environment = new Map([
    ["GIT_OBJECT_DIRECTORY", `${repository.path}/objects/tmp_objdir-incoming-1`],
    ["GIT_ALTERNATE_OBJECT_DIRECTORIES", `${repository.path}/./objects:${repository.path}/../pool`],
  ]);
  await manager.preReceive(context, receiveInput({ environment }), output, t.signal);
  // Git names real paths, whatever the storage's path is.
  const link = join(temporaryDirectory(t), "link.git");
  symlinkSync(repository.path, link);
  const linked = { ...context, repository: { ...context.repository, path: link } };
  await manager.preReceive(linked, receiveInput({ environment }), output, t.signal);
  const located = {
    ...context.repository,
    objectDirectory: `${repository.path}/objects/incoming-2`,
    alternateObjectDirectories: [`${repository.path}/objects`],
  };
  const requested = { ...context, repository: located };
  await manager.preReceive(requested, receiveInput(), output, t.signal);
  const ofGit = ["objects/tmp_objdir-incoming-1", ["objects", "../pool"]];
  assert.deepEqual(asked, [ofGit, ofGit, ["objects/incoming-2", ["objects"]]]);
});

test("pre-receive refuses with GitLab's reason, and goes no further", async (t) => {
  for (const [allowed, reason] of [
    [() => Promise.resolve({ allowed: false, message: "not today" }), "not today"],
    [() => Promise.reject(new HookError("Internal API error (500)")), "Internal API error (500)"],
    [() => Promise.reject(new Error("a bug")), "Internal API unreachable"],
  ] as const) {
    const scripts = { "pre-receive": "echo never" };
    const { manager, context, steps, output } = testHooks(t, { access: { allowed }, scripts });
    const running = manager.preReceive(context, receiveInput(), output, t.signal);
    await assert.rejects(running, (error) => {
      assert.ok(error instanceof NotAllowedError);
      assert.equal(error.kind, "permission-denied");
      assert.equal(error.message, `GitLab: ${reason}`);
      assert.equal(error.reason, reason);
      assert.deepEqual([error.userId, error.protocol], ["user-1", "http"]);
      const failure = { exitCode: 1, stderr: `GitLab: ${reason}` };
      assert.deepEqual(hookFailure("pre-receive", error), failure);
      return true;
    });
    assert.deepEqual(steps, ["allowed"]);
    assert.equal(output.text, "");
  }
});

test("pre-receive doesn't tell the pusher that GitLab is asked too often", async (t) => {
  const refusing = () => Promise.reject(new RateLimitedError());
  for (const access of [{ allowed: refusing }, { preReceive: refusing }]) {
    const { manager, context, output } = testHooks(t, { access });
    await assert.rejects(manager.preReceive(context, receiveInput(), output, t.signal), (error) => {
      assert.equal(hookFailure("pre-receive", error), undefined);
      assert.ok(error instanceof NotAllowedError || error instanceof HookError);
      assert.equal(error.kind, "resource-exhausted");
      return true;
    });
  }
});

test("pre-receive refuses when a custom hook does, and the push isn't counted", async (t) => {
  const scripts = { "pre-receive": "echo no >&2; exit 42" };
  const { manager, context, steps, output } = testHooks(t, { scripts });
  await assert.rejects(manager.preReceive(context, receiveInput(), output, t.signal), (error) => {
    assert.deepEqual(hookFailure("pre-receive", error), { exitCode: 42, stderr: "" });
    return true;
  });
  assert.deepEqual(steps, ["allowed"]);
  assert.equal(output.text, "err:no\n");
});

test("pre-receive refuses when the push can't be counted", async (t) => {
  for (const [preReceive, message] of [
    [() => Promise.resolve(false), ""],
    [() => Promise.reject(new HookError("oops")), "calling pre_receive endpoint: oops"],
  ] as const) {
    const { manager, context, output } = testHooks(t, { access: { preReceive } });
    await assert.rejects(manager.preReceive(context, receiveInput(), output, t.signal), {
      message,
    });
  }
});

const USER: HookUser = { id: "user-1", username: "root", protocol: "http", remoteIp: "" };

const INCOMPLETE: readonly [string, Partial<ReceiveInput>, HookUser | undefined][] = [
  ["hook got no reference updates", { changes: Buffer.of() }, USER],
  ["payload has no receive hooks info", {}, undefined],
  ["user ID not set", {}, { ...USER, id: "" }],
  ["protocol not set", {}, { ...USER, protocol: "" }],
];

for (const [message, input, user] of INCOMPLETE) {
  test(`pre-receive refuses: ${message}`, async (t) => {
    const { manager, context, steps, output } = testHooks(t, { context: { user } });
    const running = manager.preReceive(context, receiveInput(input), output, t.signal);
    await assert.rejects(running, { message });
    assert.deepEqual(steps, []);
  });
}
