import assert from "node:assert/strict";
import test from "node:test";
import { DomainError } from "../../../base/error/domain-error.ts";
import { ReferenceNotFoundErrorSchema } from "../../../proto/errors_pb.ts";
import { RefService } from "../../../proto/ref_pb.ts";
import { testCall } from "../../../testing/server-call.ts";
import { aborted, detail, RpcError } from "../../rpc-error.ts";
import { replaceAborted } from "./replace-aborted.ts";

function run(error: Error): Promise<void> {
  return replaceAborted(testCall(RefService.method.refExists), () => {
    throw error;
  });
}

test("an aborted call ends with words for people and keeps its details", async () => {
  const packed = detail(ReferenceNotFoundErrorSchema, {});
  const failure = await run(
    aborted("reference is locked", { detail: packed, metadata: { ref: "x" } }),
  ).catch((error: unknown) => error);
  assert.ok(failure instanceof RpcError);
  assert.equal(failure.kind, "aborted");
  assert.equal(failure.message, "The operation could not be completed. Please try again.");
  assert.deepEqual(failure.metadata, { ref: "x", error_details: "reference is locked" });
  assert.deepEqual(failure.details, [packed]);
});

test("errors from below rpc are covered, all others pass unchanged", async () => {
  await assert.rejects(run(new DomainError("aborted", "conflict")), { message: /try again/ });
  for (const error of [new DomainError("internal", "conflict"), new Error("conflict")]) {
    await assert.rejects(run(error), (thrown) => thrown === error);
  }
});
