import assert from "node:assert/strict";
import test from "node:test";
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { Health } from "../../../proto/grpc/health/v1/health_pb.ts";
import {
  DeleteObjectPoolRequestSchema,
  FetchIntoObjectPoolRequestSchema,
  ObjectPoolService,
} from "../../../proto/objectpool_pb.ts";
import { OperationService, UserCommitFilesRequestSchema } from "../../../proto/operations_pb.ts";
import { PartitionService } from "../../../proto/partition_pb.ts";
import { RefExistsRequestSchema, RefService } from "../../../proto/ref_pb.ts";
import {
  ReplicateRepositoryRequestSchema,
  RepositoryService,
} from "../../../proto/repository_pb.ts";
import { ServerService } from "../../../proto/server_pb.ts";
import { SmartHTTPService } from "../../../proto/smarthttp_pb.ts";
import { MethodCatalog } from "./method-catalog.ts";

const catalog = new MethodCatalog();
const repository = { storageName: "default", relativePath: "a.git" };
const source = { storageName: "other", relativePath: "b.git" };

function targetPath(method: DescMethod, request: Message): string | undefined {
  return catalog.get(method).targetRepository(request)?.relativePath;
}

test("the protocol's annotations say what a method does and to what", () => {
  for (const [method, service, type, operation, scope] of [
    [RefService.method.refExists, "gitaly.RefService", "unary", "accessor", "repository"],
    [
      SmartHTTPService.method.postReceivePack,
      "gitaly.SmartHTTPService",
      "bidi_stream",
      "mutator",
      "repository",
    ],
    [
      RepositoryService.method.optimizeRepository,
      "gitaly.RepositoryService",
      "unary",
      "maintenance",
      "repository",
    ],
    [
      OperationService.method.userCommitFiles,
      "gitaly.OperationService",
      "client_stream",
      "mutator",
      "repository",
    ],
    [RefService.method.listRefs, "gitaly.RefService", "server_stream", "accessor", "repository"],
    [ServerService.method.serverInfo, "gitaly.ServerService", "unary", "unknown", "unknown"],
    [Health.method.check, "grpc.health.v1.Health", "unary", "unknown", "unknown"],
  ] as const) {
    const info = catalog.get(method);
    assert.deepEqual(
      [info.service, info.name, info.type, info.operation, info.scope],
      [service, method.name, type, operation, scope],
    );
  }
});

test("the target repository is found at the top and in nested messages", () => {
  const flat = create(RefExistsRequestSchema, { repository });
  assert.equal(targetPath(RefService.method.refExists, flat), "a.git");
  const header = { case: "header", value: { repository } } as const;
  const nested = create(UserCommitFilesRequestSchema, { userCommitFilesRequestPayload: header });
  assert.equal(targetPath(OperationService.method.userCommitFiles, nested), "a.git");
});

test("of two repositories in a request the marked one is the target", () => {
  const request = create(ReplicateRepositoryRequestSchema, { repository, source });
  assert.equal(targetPath(RepositoryService.method.replicateRepository, request), "a.git");
});

test("a request that doesn't name its repository has no target", () => {
  const empty = create(RefExistsRequestSchema);
  assert.equal(targetPath(RefService.method.refExists, empty), undefined);
  const later = create(UserCommitFilesRequestSchema, {
    userCommitFilesRequestPayload: { case: "action", value: {} },
  });
  assert.equal(targetPath(OperationService.method.userCommitFiles, later), undefined);
});

test("an object pool is found, and is the target where the protocol says so", () => {
  const objectPool = { repository: source };
  const remove = create(DeleteObjectPoolRequestSchema, { objectPool });
  assert.equal(targetPath(ObjectPoolService.method.deleteObjectPool, remove), "b.git");
  const info = catalog.get(ObjectPoolService.method.fetchIntoObjectPool);
  const fetch = create(FetchIntoObjectPoolRequestSchema, { origin: repository, objectPool });
  assert.equal(info.objectPool(fetch)?.repository?.relativePath, "b.git");
  assert.equal(info.objectPool(create(FetchIntoObjectPoolRequestSchema)), undefined);
});

test("requests about a partition name it and its storage", () => {
  const method = Object.values(PartitionService.method).find(
    (candidate) => catalog.get(candidate).scope === "partition",
  );
  assert.ok(method !== undefined);
  const info = catalog.get(method);
  const request = (partitionId: string): Message =>
    create(method.input, { storageName: "default", partitionId });
  assert.deepEqual(info.partition(request("42")), { storageName: "default", partitionId: "42" });
  for (const none of ["", "0", "x", "-1"]) {
    assert.equal(info.partition(request(none))?.partitionId, "", `partition ${none}`);
  }
});
