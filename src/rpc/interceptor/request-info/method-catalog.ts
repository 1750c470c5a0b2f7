import { type DescMethod, getOption, hasOption, isMessage, type Message } from "@bufbuild/protobuf";
import {
  OperationMsg_Operation,
  OperationMsg_Scope,
  op_type,
  partition_id,
  storage,
  target_repository,
} from "../../../proto/lint_pb.ts";
import {
  type ObjectPool,
  ObjectPoolSchema,
  type Repository,
  RepositorySchema,
} from "../../../proto/shared_pb.ts";
import { fieldReader, findMarkedField, type Reader } from "./request-path.ts";

/** How many messages go which way, as metrics and logs spell it. */
export type RpcType = "unary" | "client_stream" | "server_stream" | "bidi_stream";

/** What an RPC does to what it works on. */
export type RpcOperation = "accessor" | "mutator" | "maintenance" | "unknown";

/** What an RPC works on. */
export type RpcScope = "repository" | "storage" | "partition" | "unknown";

/** What the protocol says of a method, and where its requests say what they are about. */
export interface MethodInfo {
  /** `gitaly.RefService` */
  readonly service: string;
  /** `RefExists` */
  readonly name: string;
  readonly type: RpcType;
  readonly operation: RpcOperation;
  readonly scope: RpcScope;
  /** The repository that the request is routed by. */
  targetRepository(request: Message): Repository | undefined;
  objectPool(request: Message): ObjectPool | undefined;
  /** Only requests about a partition name a storage here. */
  partition(request: Message): PartitionAddress | undefined;
}

export interface PartitionAddress {
  readonly storageName: string;
  /** A decimal number greater than 0; empty when the request names none. */
  readonly partitionId: string;
}

const TYPES: Readonly<Record<DescMethod["methodKind"], RpcType>> = {
  unary: "unary",
  client_streaming: "client_stream",
  server_streaming: "server_stream",
  bidi_streaming: "bidi_stream",
};

const OPERATIONS: ReadonlyMap<number, RpcOperation> = new Map([
  [OperationMsg_Operation.ACCESSOR, "accessor"],
  [OperationMsg_Operation.MUTATOR, "mutator"],
  [OperationMsg_Operation.MAINTENANCE, "maintenance"],
]);

const SCOPES: ReadonlyMap<number, RpcScope> = new Map([
  [OperationMsg_Scope.REPOSITORY, "repository"],
  [OperationMsg_Scope.STORAGE, "storage"],
  [OperationMsg_Scope.PARTITION, "partition"],
]);

/** Looks each method's descriptor over once. One for all interceptors of a server. */
export class MethodCatalog {
  readonly #infos = new Map<DescMethod, MethodInfo>();

  get(method: DescMethod): MethodInfo {
    const known = this.#infos.get(method);
    if (known !== undefined) return known;
    const info = describe(method);
    this.#infos.set(method, info);
    return info;
  }
}

function describe(method: DescMethod): MethodInfo {
  const annotation = hasOption(method, op_type) ? getOption(method, op_type) : undefined;
  const scope = SCOPES.get(annotation?.scopeLevel ?? -1) ?? "unknown";
  const target = findMarkedField(method.input, target_repository);
  const pool = method.input.fields.find((field) => field.localName === "objectPool");
  const readPool = pool === undefined ? undefined : fieldReader(pool);
  return {
    service: method.parent.typeName,
    name: method.name,
    type: TYPES[method.methodKind],
    operation: OPERATIONS.get(annotation?.op ?? -1) ?? "unknown",
    scope,
    targetRepository: (request) =>
      scope === "repository" ? repositoryOf(target?.(request)) : undefined,
    objectPool: (request) => poolOf(readPool?.(request)),
    partition: scope === "partition" ? partitionReader(method) : () => undefined,
  };
}

function repositoryOf(value: unknown): Repository | undefined {
  if (isMessage(value, RepositorySchema)) return value;
  return poolOf(value)?.repository;
}

function poolOf(value: unknown): ObjectPool | undefined {
  return isMessage(value, ObjectPoolSchema) ? value : undefined;
}

function partitionReader(method: DescMethod): MethodInfo["partition"] {
  const readStorage = findMarkedField(method.input, storage);
  const readPartition = findMarkedField(method.input, partition_id);
  return (request) => ({
    storageName: textOf(readStorage, request),
    partitionId: textOf(readPartition, request).replace(/^0+$|[^0-9].*/s, ""),
  });
}

function textOf(read: Reader | undefined, request: Message): string {
  const value = read?.(request);
  return typeof value === "string" ? value : "";
}
