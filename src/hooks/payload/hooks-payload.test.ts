import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_HOOKS, type HookName } from "../context/hook-name.ts";
import { decodeBase64 } from "./base64-text.ts";
import {
  encodeHooksPayload,
  type HooksPayload,
  hooksPayloadFromEnvironment,
  parseHooksPayload,
} from "./hooks-payload.ts";

const PAYLOAD: HooksPayload = {
  requestedHooks: new Set<HookName>(["update", "pre-receive", "pack-objects"]),
  featureFlags: new Map([
    ["one", true],
    ["two", false],
  ]),
  repository: {
    storageName: "default",
    relativePath: 'a"b\\"id":1.git',
    gitObjectDirectory: "objects/incoming",
    gitAlternateObjectDirectories: ["objects"],
    glRepository: "project-1",
    glProjectPath: "group/project",
  },
  objectFormat: "sha256",
  runtimeDirectory: "/run/gitaly-1",
  internalSocket: "/run/gitaly-1/sock.d/intern",
  internalSocketToken: "token",
  transaction: { id: 2n ** 64n - 1n, node: 'n{"id":"7"', primary: true, backchannelId: 12n },
  user: { id: "key-1", username: "jane", protocol: "ssh", remoteIp: "1.2.3.4" },
  clientContext: Buffer.from([0, 255, 1]),
};

function encode(fields: unknown): string {
  return Buffer.from(JSON.stringify(fields)).toString("base64");
}

test("a payload comes back as it was", () => {
  assert.deepEqual(parseHooksPayload(encodeHooksPayload(PAYLOAD)), PAYLOAD);
});

test("a payload of the reference server is understood", () => {
  const json =
    '{"requested_hooks":13,"feature_flags_with_value":[{"flag":{"name":"a","on_by_default":true},"enabled":true}],' +
    '"object_format":"sha1","runtime_dir":"/run","internal_socket":"/run/intern","internal_socket_token":"",' +
    '"transaction":{"id":18446744073709551615,"node":"n","primary":false},"user_details":null,' +
    '"LogFields":{"grpc.method":"x"},"repository":"{\\"storageName\\":\\"default\\", \\"relativePath\\":\\"r.git\\"}"}';
  assert.deepEqual(parseHooksPayload(Buffer.from(json).toString("base64")), {
    requestedHooks: new Set(["reference-transaction", "pre-receive", "post-receive"]),
    featureFlags: new Map([["a", true]]),
    repository: {
      storageName: "default",
      relativePath: "r.git",
      gitObjectDirectory: "",
      gitAlternateObjectDirectories: [],
      glRepository: "",
      glProjectPath: "",
    },
    objectFormat: "sha1",
    runtimeDirectory: "/run",
    internalSocket: "/run/intern",
    internalSocketToken: "",
    transaction: { id: 18446744073709551615n, node: "n", primary: false, backchannelId: 0n },
    user: undefined,
    clientContext: undefined,
  });
});

test("who requests no hooks gets all", () => {
  const { requestedHooks } = parseHooksPayload(encode({ repository: "{}" }));
  assert.deepEqual(requestedHooks, ALL_HOOKS);
});

test("the payload is found between other variables", () => {
  const variables = [
    "A=b",
    "GITALY_HOOKS_PAYLOADS=x",
    `GITALY_HOOKS_PAYLOAD=${encodeHooksPayload(PAYLOAD)}`,
  ];
  assert.deepEqual(hooksPayloadFromEnvironment(variables), PAYLOAD);
  assert.throws(() => hooksPayloadFromEnvironment(["A=b"]), {
    message: "no hooks payload found in environment",
  });
});

test("what is no payload is refused", () => {
  for (const [encoded, message] of [
    ["", "unexpected end of JSON input"],
    [encode({}).slice(0, 3), "illegal base64 data at input byte 0"],
    [Buffer.from("[1").toString("base64"), "unexpected end of JSON input"],
    [Buffer.from("x").toString("base64"), "invalid character 'x' looking for beginning of value"],
    [encode([]), 'unexpected value of ""'],
    [encode({ requested_hooks: "all", repository: "{}" }), 'unexpected value of "requested_hooks"'],
    [encode({ repository: "" }), "unexpected end of JSON input"],
    [encode({ repository: '{"storageName":5}' }), 'unexpected value of "storageName"'],
    [encode({ transaction: { id: -1 }, repository: "{}" }), 'unexpected value of "transaction.id"'],
  ] as const) {
    assert.throws(() => parseHooksPayload(encoded), { message }, encoded);
  }
});

test("base64 is decoded as Node does, and damage is named by its place", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      assert.deepEqual(decodeBase64(text.replace(/(.{5})/g, "$1\r\n")), Buffer.from(bytes));
    }),
  );
  for (const [text, at] of [
    ["*", 0],
    ["AAAA*", 4],
    ["A", 0],
    ["AAAAAA", 4],
    ["=", 0],
    ["A=", 1],
    ["AA=", 3],
    ["AA=A", 2],
    ["AA==A", 4],
    ["AAA=A", 4],
    ["AAAA=", 4],
    ["AA-_", 2],
  ] as const) {
    assert.throws(
      () => decodeBase64(text),
      { message: `illegal base64 data at input byte ${at}` },
      text,
    );
  }
});
