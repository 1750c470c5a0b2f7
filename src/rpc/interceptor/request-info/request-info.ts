import type { Message } from "@bufbuild/protobuf";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import type { RequestMetadata, ServerCall } from "../../call.ts";
import { codeName } from "../../status/status.ts";
import { readAuthorization } from "../authentication/token.ts";
import { endCode } from "../call-end.ts";
import type { Interceptor } from "../interceptor.ts";
import { lookAtFirst } from "./first-request.ts";
import type { MethodCatalog, MethodInfo } from "./method-catalog.ts";

/** What metrics show for something that the caller didn't tell. */
const UNKNOWN = "unknown";

/** What callers say of themselves beside the request. */
interface CallerInfo {
  readonly client_name: string;
  readonly call_site: string;
  readonly auth_version: string;
  readonly deadline_type: string;
}

/**
 * Collects what is known of a call for its log line, and counts calls by their callers in
 * `gitaly_service_client_requests_total`.
 *
 * The fields go to `call.logFields`: caller and method at once, the repository as soon as the first
 * request is there.
 */
export function requestInfo(catalog: MethodCatalog, metrics: MetricRegistry): Interceptor {
  const requests = metrics.counter({
    name: "gitaly_service_client_requests_total",
    help: "Counter of client requests received by client, call_site, auth version, response code and deadline_type",
    labels: [
      "client_name",
      "grpc_service",
      "grpc_method",
      "call_site",
      "auth_version",
      "grpc_code",
      "deadline_type",
      "method_operation",
      "method_scope",
    ],
  });
  return async (call, next) => {
    const method = catalog.get(call.method);
    const caller = readCaller(call);
    addCallFields(call, method, caller);
    if (call.request === undefined) {
      call.requests = lookAtFirst(call.requests, (first) => addRequestFields(call, method, first));
    } else {
      addRequestFields(call, method, call.request);
    }
    let code = 0;
    try {
      await next();
    } catch (error) {
      code = endCode(call, error);
      throw error;
    } finally {
      requests.inc({
        ...caller,
        grpc_service: method.service,
        grpc_method: method.name,
        grpc_code: codeName(code),
        method_operation: method.operation,
        method_scope: method.scope,
      });
    }
  };
}

function readCaller({ metadata, deadlineMs }: ServerCall): CallerInfo {
  const name = single(metadata, "x-gitlab-client-name") || single(metadata, "client_name");
  return {
    client_name: name || UNKNOWN,
    call_site: single(metadata, "call_site") || UNKNOWN,
    auth_version: readAuthorization(metadata)?.version || UNKNOWN,
    deadline_type: deadlineMs === undefined ? "none" : single(metadata, "deadline_type") || UNKNOWN,
  };
}

/** The value of a key that was sent exactly once. */
function single(metadata: RequestMetadata, key: string): string {
  const values = metadata.getAll(key);
  return values.length === 1 ? (values[0] ?? "") : "";
}

function addCallFields(call: ServerCall, method: MethodInfo, caller: CallerInfo): void {
  const { logFields, metadata } = call;
  const add = (key: string, value: string): void => {
    if (value !== "" && value !== UNKNOWN) logFields[key] = value;
  };
  add("grpc.meta.call_site", caller.call_site);
  add("grpc.meta.client_name", caller.client_name);
  add("grpc.meta.auth_version", caller.auth_version);
  add("grpc.meta.deadline_type", caller.deadline_type);
  add("grpc.meta.method_type", method.type);
  add("grpc.meta.method_operation", method.operation);
  add("grpc.meta.method_scope", method.scope);
  add("grpc.request.fullMethod", call.fullMethod);
  add("remote_ip", single(metadata, "remote_ip"));
  add("user_id", single(metadata, "user_id"));
  add("username", single(metadata, "username"));
  add("correlation_id", call.correlationId);
}

function addRequestFields({ logFields }: ServerCall, method: MethodInfo, request: Message): void {
  const repository = method.targetRepository(request);
  if (repository !== undefined) {
    logFields["grpc.request.repoStorage"] = repository.storageName;
    logFields["grpc.request.repoPath"] = repository.relativePath;
    logFields["grpc.request.glRepository"] = repository.glRepository;
    logFields["grpc.request.glProjectPath"] = repository.glProjectPath;
  }
  const pool = method.objectPool(request)?.repository;
  if (pool !== undefined) {
    logFields["grpc.request.pool.storage"] = pool.storageName;
    logFields["grpc.request.pool.relativePath"] = pool.relativePath;
    logFields["grpc.request.pool.sourceProjectPath"] = pool.glProjectPath;
  }
  const partition = method.partition(request);
  if (partition === undefined) return;
  if (partition.storageName !== "") logFields["grpc.request.StorageName"] = partition.storageName;
  if (partition.partitionId !== "") {
    logFields["grpc.request.partition_id"] = partition.partitionId;
  }
}
