import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { OperationService, UserCommitFilesRequestSchema } from "../../../proto/operations_pb.ts";
import { RefExistsRequestSchema, RefService } from "../../../proto/ref_pb.ts";
import { testCall } from "../../../testing/server-call.ts";
import { notFound } from "../../rpc-error.ts";
import { MethodCatalog } from "./method-catalog.ts";
import { requestInfo } from "./request-info.ts";

const repository = {
  storageName: "default",
  relativePath: "@hashed/a.git",
  glRepository: "project-1",
  glProjectPath: "group/project",
};

const REPOSITORY_FIELDS = {
  "grpc.request.repoStorage": "default",
  "grpc.request.repoPath": "@hashed/a.git",
  "grpc.request.glRepository": "project-1",
  "grpc.request.glProjectPath": "group/project",
};

const done = async (): Promise<void> => undefined;

test("the log fields tell of caller, method and repository", async () => {
  const metrics = new MetricRegistry();
  const call = testCall(RefService.method.refExists, {
    deadlineMs: Date.now() + 1000,
    request: create(RefExistsRequestSchema, { repository }),
    metadata: {
      "x-gitlab-client-name": "gitlab-web",
      client_name: "ignored",
      call_site: "rest_api",
      deadline_type: "regular",
      authorization: "Bearer v2.00.1",
      remote_ip: "192.0.2.1",
      user_id: "7",
      username: "alice",
    },
  });
  call.correlationId = "abc";
  await requestInfo(new MethodCatalog(), metrics)(call, done);
  assert.deepEqual(call.logFields, {
    "grpc.meta.call_site": "rest_api",
    "grpc.meta.client_name": "gitlab-web",
    "grpc.meta.auth_version": "v2",
    "grpc.meta.deadline_type": "regular",
    "grpc.meta.method_type": "unary",
    "grpc.meta.method_operation": "accessor",
    "grpc.meta.method_scope": "repository",
    "grpc.request.fullMethod": "/gitaly.RefService/RefExists",
    remote_ip: "192.0.2.1",
    user_id: "7",
    username: "alice",
    correlation_id: "abc",
    ...REPOSITORY_FIELDS,
  });
  assert.match(
    metrics.render(),
    /^gitaly_service_client_requests_total\{client_name="gitlab-web",grpc_service="gitaly.RefService",grpc_method="RefExists",call_site="rest_api",auth_version="v2",grpc_code="OK",deadline_type="regular",method_operation="accessor",method_scope="repository"\} 1$/m,
  );
});

test("what the caller doesn't tell is unknown to the metrics and missing in the log", async () => {
  const metrics = new MetricRegistry();
  const call = testCall(RefService.method.refExists, { metadata: { client_name: ["a", "b"] } });
  const failing = requestInfo(new MethodCatalog(), metrics)(call, async () => {
    throw notFound("no such repository");
  });
  await assert.rejects(failing, { message: "no such repository" });
  assert.deepEqual(call.logFields, {
    "grpc.meta.deadline_type": "none",
    "grpc.meta.method_type": "unary",
    "grpc.meta.method_operation": "accessor",
    "grpc.meta.method_scope": "repository",
    "grpc.request.fullMethod": "/gitaly.RefService/RefExists",
  });
  assert.match(
    metrics.render(),
    /client_name="unknown",.*call_site="unknown",auth_version="unknown",grpc_code="NotFound",deadline_type="none"/,
  );
});

test("the first message of a stream tells the repository, and all messages get through", async () => {
  const header = create(UserCommitFilesRequestSchema, {
    userCommitFilesRequestPayload: { case: "header", value: { repository } },
  });
  const action = create(UserCommitFilesRequestSchema, {
    userCommitFilesRequestPayload: { case: "action", value: {} },
  });
  const requests = [header, action, action];
  const call = testCall(OperationService.method.userCommitFiles, { requests });
  const received: unknown[] = [];
  await requestInfo(new MethodCatalog(), new MetricRegistry())(call, async () => {
    assert.equal(call.logFields["grpc.request.repoPath"], undefined);
    for await (const request of call.requests) {
      received.push(request);
      assert.equal(call.logFields["grpc.request.repoPath"], "@hashed/a.git");
    }
  });
  assert.deepEqual(received, requests);
});

test("a handler that leaves a stream early ends its source", async () => {
  let isEnded = false;
  const call = testCall(OperationService.method.userCommitFiles);
  call.requests = endless(() => {
    isEnded = true;
  });
  await requestInfo(new MethodCatalog(), new MetricRegistry())(call, async () => {
    for await (const _request of call.requests) break;
  });
  assert.equal(isEnded, true);
});

async function* endless(
  atEnd: () => void,
): AsyncGenerator<ReturnType<typeof create<typeof UserCommitFilesRequestSchema>>> {
  try {
    for (;;) yield create(UserCommitFilesRequestSchema);
  } finally {
    atEnd();
  }
}
