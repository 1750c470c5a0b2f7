import assert from "node:assert/strict";
import { test } from "node:test";
import { receiveInput, testHooks } from "../../testing/test-hooks.ts";
import type { AccessCheck } from "../access/access-check.ts";
import { HookError } from "../hook-errors.ts";

test("a repository that GitLab has no name for takes no push", async (t) => {
  const { manager, context, output } = testHooks(t);
  const repository = { ...context.repository, glRepository: "" };
  const pushed = { ...context, repository };
  const message = "repository not set";
  await assert.rejects(manager.preReceive(pushed, receiveInput(), output, t.signal), { message });
  await assert.rejects(manager.postReceive(pushed, receiveInput(), output, t.signal), { message });
});

test("post-receive shows GitLab's messages, then runs custom hooks", async (t) => {
  const alert = `Your subscription to the thing has ended ${"a".repeat(70)} so please do renew it soon`;
  const { manager, context, steps, output } = testHooks(t, {
    scripts: { "post-receive": "cat; echo done >&2" },
    access: {
      postReceive: async (report) => {
        assert.deepEqual(report, {
          glRepository: "project-1",
          userId: "user-1",
          changes: receiveInput().changes,
          pushOptions: ["one"],
          clientContext: undefined,
        });
        return {
          referenceCounterDecreased: true,
          messages: [
            { type: "basic", message: "To create a merge request, visit:\n  http://x" },
            { type: "alert", message: "something went very wrong" },
            { type: "alert", message: alert },
          ],
        };
      },
    },
  });
  await manager.postReceive(context, receiveInput({ pushOptions: ["one"] }), output, t.signal);
  assert.deepEqual(steps, ["post_receive"]);
  const ruler = "=".repeat(72);
  const expected = `out:
To create a merge request, visit:
  http://x

out:
${ruler}

                       something went very wrong

${ruler}

out:
${ruler}

                Your subscription to the thing has ended
 ${"a".repeat(70)}
                       so please do renew it soon

${ruler}

`;
  assert.ok(output.text.startsWith(expected), output.text);
  assert.ok(output.text.includes(`out:${receiveInput().changes}`));
  assert.ok(output.text.includes("err:done\n"));
});

test("post-receive fails when the push can't be uncounted or the messages can't be shown", async (t) => {
  const answers: readonly [AccessCheck["postReceive"], string, string][] = [
    [
      async () => ({
        referenceCounterDecreased: false,
        messages: [{ type: "basic", message: "m" }],
      }),
      "",
      "out:\nm\n\n",
    ],
    [
      async () => ({ referenceCounterDecreased: true, messages: [{ type: "x", message: "m" }] }),
      "error writing messages to stream: invalid message type: x",
      "",
    ],
    [() => Promise.reject(new HookError("down")), "GitLab: down", ""],
  ];
  for (const [postReceive, message, text] of answers) {
    const scripts = { "post-receive": "echo never" };
    const { manager, context, output } = testHooks(t, { access: { postReceive }, scripts });
    await assert.rejects(manager.postReceive(context, receiveInput(), output, t.signal), {
      message,
    });
    assert.equal(output.text, text);
  }
});
