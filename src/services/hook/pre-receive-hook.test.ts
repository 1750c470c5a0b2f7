import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type AccessCheck, RateLimitedError } from "../../hooks/access/access-check.ts";
import { HookError } from "../../hooks/hook-errors.ts";
import { HookService, PreReceiveHookRequestSchema } from "../../proto/hook_pb.ts";
import { testCall } from "../../testing/server-call.ts";
import {
  collect,
  type TestHookRequest,
  type TestHookService,
  testHookService,
} from "../../testing/test-hook-service.ts";
import { receiveInput } from "../../testing/test-hooks.ts";
import { preReceiveHook } from "./pre-receive-hook.ts";

async function call(
  t: TestContext,
  { needs }: TestHookService,
  requests: readonly TestHookRequest[],
  metadata: Record<string, string> = {},
) {
  const messages = requests.map((request) => create(PreReceiveHookRequestSchema, request));
  const stream = (async function* () {
    yield* messages;
  })();
  const context = testCall(HookService.method.preReceiveHook, { signal: t.signal, metadata });
  return collect(preReceiveHook(needs)(stream, context));
}

/** What a well-behaved hook's process sends for a push of one ref. */
function push(
  { address, environmentVariables }: TestHookService,
  first: TestHookRequest = {},
): TestHookRequest[] {
  const { changes } = receiveInput();
  return [
    { repository: address, environmentVariables, ...first },
    { stdin: changes.subarray(0, 10) },
    { stdin: changes.subarray(10) },
  ];
}

test("preReceiveHook hands everything on to GitLab and custom hooks", async (t) => {
  const seen: unknown[] = [];
  const allowed: AccessCheck["allowed"] = async (request, { remoteIp }) => {
    const { changes, pushOptions, objectDirectory, alternateObjectDirectories } = request;
    seen.push(Buffer.from(changes), pushOptions, objectDirectory, alternateObjectDirectories);
    seen.push(remoteIp, Buffer.from(request.clientContext ?? []).toString());
    return { allowed: true, message: "" };
  };
  const scripts = { "pre-receive": "cat; echo $GIT_OBJECT_DIRECTORY $GL_USERNAME >&2" };
  const clientContext = Buffer.from("context");
  const service = testHookService(t, { access: { allowed }, scripts, context: { clientContext } });
  const path = service.repository.path;
  const environmentVariables = [
    ...service.environmentVariables,
    `GIT_OBJECT_DIRECTORY=${path}/objects/incoming`,
    `GIT_ALTERNATE_OBJECT_DIRECTORIES=${path}/objects`,
    "no variable",
  ];
  const requests = push(service, { environmentVariables, gitPushOptions: ["a", "b"] });
  const replies = await call(t, service, requests, { remote_ip: "1.2.3.4" });
  const { changes } = receiveInput();
  assert.deepEqual(seen, [
    changes,
    ["a", "b"],
    "objects/incoming",
    ["objects"],
    "1.2.3.4",
    "context",
  ]);
  const text = (name: "stdout" | "stderr"): string =>
    Buffer.concat(replies.map((reply) => reply[name] ?? Buffer.of())).toString();
  assert.equal(text("stdout"), changes.toString());
  assert.equal(text("stderr"), `${path}/objects/incoming root\n`);
  assert.deepEqual(replies.at(-1), { exitStatus: { value: 0 } });
  assert.deepEqual(service.steps, ["allowed", "pre_receive"]);
});

test("preReceiveHook refuses requests without a repository", async (t) => {
  const service = testHookService(t);
  await assert.rejects(call(t, service, []), {
    kind: "internal",
    message: "receiving first request: EOF",
  });
  await assert.rejects(call(t, service, [{}]), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  const repository = { ...service.address, relativePath: "gone.git" };
  await assert.rejects(call(t, service, [{ repository }]), {
    kind: "not-found",
    message: "repository not found",
  });
  assert.deepEqual(service.steps, []);
});

const REFUSALS: readonly [string, Partial<AccessCheck>, string][] = [
  [
    "refuses",
    { allowed: async () => ({ allowed: false, message: "not allowed" }) },
    "GitLab: not allowed",
  ],
  [
    "fails",
    { allowed: () => Promise.reject(new HookError("Internal API error (401)")) },
    "GitLab: Internal API error (401)",
  ],
  [
    "can't count",
    { preReceive: () => Promise.reject(new HookError("down")) },
    "calling pre_receive endpoint: down",
  ],
];

for (const [what, access, reason] of REFUSALS) {
  test(`preReceiveHook ends with status 1 and the reason when GitLab ${what}`, async (t) => {
    const service = testHookService(t, { access });
    assert.deepEqual(await call(t, service, push(service)), [
      { stderr: Buffer.from(reason), exitStatus: { value: 1 } },
    ]);
  });
}

test("preReceiveHook ends with status 1 without a reason when GitLab names none", async (t) => {
  const service = testHookService(t, { access: { preReceive: async () => false } });
  assert.deepEqual(await call(t, service, push(service)), [{ exitStatus: { value: 1 } }]);
});

test("preReceiveHook ends with the status of a custom hook", async (t) => {
  const scripts = { "pre-receive": "echo custom hook error >&2; exit 128" };
  const service = testHookService(t, { scripts });
  assert.deepEqual(await call(t, service, push(service)), [
    { stderr: Buffer.from("custom hook error\n") },
    { exitStatus: { value: 128 } },
  ]);
});

test("preReceiveHook fails itself when GitLab is asked too often", async (t) => {
  const allowed = () => Promise.reject(new RateLimitedError());
  const service = testHookService(t, { access: { allowed } });
  await assert.rejects(call(t, service, push(service)), {
    kind: "resource-exhausted",
    message: "GitLab: rate limited",
  });
});

test("preReceiveHook cuts a long reason into replies that each have the status", async (t) => {
  const message = "y".repeat(200_000);
  const allowed: AccessCheck["allowed"] = async () => ({ allowed: false, message });
  const service = testHookService(t, { access: { allowed } });
  const replies = await call(t, service, push(service));
  assert.deepEqual(
    replies.map(({ stderr, exitStatus }) => [stderr?.length, exitStatus]),
    [
      [131072, { value: 1 }],
      [message.length + "GitLab: ".length - 131072, { value: 1 }],
    ],
  );
});

test("preReceiveHook says what is wrong with the environment", async (t) => {
  const service = testHookService(t);
  const [variable = ""] = service.environmentVariables;
  const damaged = `${variable.replace(/=+$/, "")}*`;
  for (const [environmentVariables, reason] of [
    [[], "no hooks payload found in environment"],
    [[damaged], `illegal base64 data at input byte ${damaged.length - 22}`],
    [
      [`GITALY_HOOKS_PAYLOAD=${Buffer.from("{").toString("base64")}`],
      "unexpected end of JSON input",
    ],
  ] as const) {
    const first = { environmentVariables: [...environmentVariables] };
    assert.deepEqual(await call(t, service, push(service, first)), [
      {
        stderr: Buffer.from(`extracting hooks payload: ${reason}`),
        exitStatus: { value: 1 },
      },
    ]);
  }
});

test("preReceiveHook asks nobody on a server that isn't the primary", async (t) => {
  const allowed: AccessCheck["allowed"] = async () => ({ allowed: false, message: "no" });
  const transaction = { id: 2n ** 63n, node: "node-1", primary: false, backchannelId: 3n };
  const service = testHookService(t, { access: { allowed }, context: { transaction } });
  assert.deepEqual(await call(t, service, push(service)), [{ exitStatus: { value: 0 } }]);
  assert.deepEqual(service.steps, ["vote synchronized synchronize pre-receive hook"]);
});
