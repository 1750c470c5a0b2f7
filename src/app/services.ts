import {
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  type FileRegistry,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { AnalysisService } from "../proto/analysis_pb.ts";
import { BackupService } from "../proto/backup_pb.ts";
import { BlobService } from "../proto/blob_pb.ts";
import { CleanupService } from "../proto/cleanup_pb.ts";
import { RaftService } from "../proto/cluster_pb.ts";
import { CommitService } from "../proto/commit_pb.ts";
import { ConflictsService } from "../proto/conflicts_pb.ts";
import { DiffService } from "../proto/diff_pb.ts";
import { Health } from "../proto/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../proto/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1alpha } from "../proto/grpc/reflection/v1alpha/reflection_pb.ts";
import { HookService } from "../proto/hook_pb.ts";
import { InternalGitaly } from "../proto/internal_pb.ts";
import { ObjectPoolService } from "../proto/objectpool_pb.ts";
import { OperationService } from "../proto/operations_pb.ts";
import { PartitionService } from "../proto/partition_pb.ts";
import { RefService } from "../proto/ref_pb.ts";
import { RemoteService } from "../proto/remote_pb.ts";
import { RepositoryService } from "../proto/repository_pb.ts";
import { ServerService } from "../proto/server_pb.ts";
import { SmartHTTPService } from "../proto/smarthttp_pb.ts";
import { SSHService } from "../proto/ssh_pb.ts";
import { type ServiceRegistration, serve } from "../rpc/handler.ts";
import { analysisService } from "../services/analysis/server.ts";
import { backupService } from "../services/backup/server.ts";
import { blobService } from "../services/blob/server.ts";
import { cleanupService } from "../services/cleanup/server.ts";
import { commitService } from "../services/commit/server.ts";
import { conflictsService } from "../services/conflicts/server.ts";
import { diffService } from "../services/diff/server.ts";
import { healthService } from "../services/health/server.ts";
import { hookService } from "../services/hook/server.ts";
import { internalGitalyService } from "../services/internal-gitaly/server.ts";
import { objectPoolService } from "../services/object-pool/server.ts";
import { operationService } from "../services/operation/server.ts";
import { partitionService } from "../services/partition/server.ts";
import { raftService } from "../services/raft/server.ts";
import { refService } from "../services/ref/server.ts";
import { reflectionServices } from "../services/reflection/server.ts";
import { remoteService } from "../services/remote/server.ts";
import { repositoryService } from "../services/repository/server.ts";
import { serverService } from "../services/server/server.ts";
import { smartHttpService } from "../services/smarthttp/server.ts";
import { sshService } from "../services/ssh/server.ts";
import type { Runtime } from "./runtime.ts";

/**
 * The services that a server offers, whether any of their methods is built or not. The other two of
 * the protocol are those of a router: clients find out by them whom they talk to.
 */
const PROTOCOL: readonly DescService[] = [
  AnalysisService,
  BackupService,
  BlobService,
  CleanupService,
  CommitService,
  ConflictsService,
  DiffService,
  HookService,
  InternalGitaly,
  ObjectPoolService,
  OperationService,
  PartitionService,
  RaftService,
  RefService,
  RemoteService,
  RepositoryService,
  SSHService,
  ServerService,
  SmartHTTPService,
];

/** Every service that the server offers; methods that are not built yet answer UNIMPLEMENTED. */
export function buildServices(runtime: Runtime): ServiceRegistration[] {
  const built = protocolServices(runtime);
  const missing = PROTOCOL.filter(
    ({ typeName }) => !built.some(({ service }) => service.typeName === typeName),
  );
  const standard = [healthService(), ...reflectionServices({ registry: protocolRegistry() })];
  return [...built, ...missing.map((service) => serve(service, {})), ...standard];
}

/** The protocol's services of which at least one method is built. */
export function protocolServices(runtime: Runtime): ServiceRegistration[] {
  return [
    analysisService(runtime),
    backupService(runtime),
    blobService(runtime),
    cleanupService(runtime),
    commitService(runtime),
    conflictsService(runtime),
    diffService(runtime),
    hookService(runtime),
    internalGitalyService(runtime),
    objectPoolService(runtime),
    operationService(runtime),
    partitionService(runtime),
    raftService(runtime),
    refService(runtime),
    remoteService(runtime),
    repositoryService(runtime),
    serverService(runtime),
    smartHttpService(runtime),
    sshService(runtime),
  ];
}

/** The protocol's files and all that they import, each after its imports. */
function protocolRegistry(): FileRegistry {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    for (const dependency of file.dependencies) add(dependency);
    files.add(file);
  };
  for (const { file } of [...PROTOCOL, Health, ServerReflection, ServerReflectionV1alpha])
    add(file);
  const file = [...files].map(({ proto }) => proto);
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}
