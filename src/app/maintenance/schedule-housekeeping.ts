import type { Message } from "@bufbuild/protobuf";
import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { ServerCall } from "../../rpc/call.ts";
import type { Interceptor } from "../../rpc/interceptor/interceptor.ts";
import { lookAtFirst } from "../../rpc/interceptor/request-info/first-request.ts";
import type { MethodCatalog } from "../../rpc/interceptor/request-info/method-catalog.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { HousekeepingSchedule } from "./housekeeping-schedule.ts";

/** After these nothing has changed. */
const REFUSALS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  "failed-precondition",
  "resource-exhausted",
  "permission-denied",
]);

const REMOVAL = "/gitaly.RepositoryService/RemoveRepository";

/** Leaves so much behind that housekeeping follows at once. */
const REWRITE = "/gitaly.CleanupService/RewriteHistory";

/**
 * Tells the schedule of calls that read and write repositories, once they are over. Lets only one
 * call at a time tidy a repository.
 */
export function scheduleHousekeeping(
  schedule: HousekeepingSchedule,
  catalog: MethodCatalog,
): Interceptor {
  return async (call, next) => {
    const { operation, targetRepository } = catalog.get(call.method);
    if (operation === "maintenance" && call.request !== undefined) {
      return tidy(schedule, targetRepository(call.request), next);
    }
    if (operation === "accessor") return read(schedule, watchTarget(call, targetRepository), next);
    if (operation !== "mutator" || call.fullMethod === REMOVAL) return next();
    return write(schedule, watchTarget(call, targetRepository), call, next);
  };
}

type Target = () => Repository | undefined;

async function read(
  schedule: HousekeepingSchedule,
  target: Target,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  const repository = target();
  if (repository !== undefined) schedule.noteRead(repository);
}

async function write(
  schedule: HousekeepingSchedule,
  target: Target,
  { fullMethod, request }: ServerCall,
  next: () => Promise<void>,
): Promise<void> {
  const note = (): void => {
    const repository = target();
    if (repository !== undefined) schedule.noteWrite(repository, fullMethod === REWRITE);
  };
  try {
    await next();
  } catch (error) {
    if (request !== undefined && mayHaveChanged(error)) note();
    throw error;
  }
  note();
}

async function tidy(
  schedule: HousekeepingSchedule,
  repository: Repository | undefined,
  next: () => Promise<void>,
): Promise<void> {
  if (repository === undefined) return next();
  const leave = schedule.enter(repository);
  if (leave === undefined) {
    throw new RpcError("already-exists", "housekeeping already executing for repository");
  }
  try {
    await next();
  } finally {
    leave();
  }
}

/** Finds out which repository a call is about as soon as its first request is there. */
function watchTarget(
  call: ServerCall,
  targetRepository: (request: Message) => Repository | undefined,
): Target {
  let repository: Repository | undefined;
  const look = (request: Message): void => {
    repository = targetRepository(request);
  };
  if (call.request === undefined) call.requests = lookAtFirst(call.requests, look);
  else look(call.request);
  return () => repository;
}

function mayHaveChanged(error: unknown): boolean {
  return !(error instanceof DomainError && REFUSALS.has(error.kind));
}
