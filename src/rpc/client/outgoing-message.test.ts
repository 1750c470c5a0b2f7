import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { UserCommitFilesRequestSchema } from "../../proto/operations_pb.ts";
import { PostReceivePackRequestSchema } from "../../proto/smarthttp_pb.ts";
import { encodeMessage } from "./outgoing-message.ts";

const LARGE = Buffer.alloc(100_000, "content");

function assertEncodes<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
  isShared: boolean,
): void {
  const { start, rest } = encodeMessage(schema, init);
  const bytes = Buffer.concat([start, ...(rest === undefined ? [] : [rest])]);
  assert.ok(bytes.equals(toBinary(schema, create(schema, init))));
  assert.equal(rest === LARGE, isShared);
}

test("a large value that is all of a message is used as it is", () => {
  assertEncodes(PostReceivePackRequestSchema, { data: LARGE }, true);
});

test("every other message is encoded as one piece", () => {
  assertEncodes(PostReceivePackRequestSchema, {}, false);
  assertEncodes(PostReceivePackRequestSchema, { data: Buffer.from("small") }, false);
  assertEncodes(PostReceivePackRequestSchema, { glId: "user-1", data: LARGE }, false);
  assertEncodes(PostReceivePackRequestSchema, { glId: "user".repeat(100_000) }, false);
  const message = create(PostReceivePackRequestSchema, { data: LARGE });
  assertEncodes(PostReceivePackRequestSchema, message, false);
  const userCommitFilesActionPayload = { case: "content", value: LARGE } as const;
  const action = { case: "action", value: { userCommitFilesActionPayload } } as const;
  assertEncodes(UserCommitFilesRequestSchema, { userCommitFilesRequestPayload: action }, false);
});
