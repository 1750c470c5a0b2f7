import { basename, dirname } from "node:path";
import { RECEIVE_PACK_HOOKS } from "../hooks/context/hook-name.ts";
import type { PushContext } from "../hooks/context/push-context.ts";
import type { TestRepository } from "./git-repository.ts";

/** A push of `user-1` over HTTP into the repository, as it is asked for by default. */
export function testPushContext(
  { path, format }: TestRepository,
  changes: Partial<PushContext> = {},
): PushContext {
  return {
    repository: {
      path,
      storageName: "default",
      storagePath: dirname(path),
      relativePath: basename(path),
      glRepository: "project-1",
      glProjectPath: "group/project",
    },
    objectFormat: format,
    user: { id: "user-1", username: "root", protocol: "http", remoteIp: "" },
    requestedHooks: RECEIVE_PACK_HOOKS,
    featureFlags: new Map(),
    correlationId: "correlation-1",
    ...changes,
  };
}
