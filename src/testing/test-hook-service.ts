import { dirname } from "node:path";
import type { TestContext } from "node:test";
import type { PushContext } from "../hooks/context/push-context.ts";
import type { HookManager } from "../hooks/hook-manager.ts";
import {
  encodeHooksPayload,
  HOOKS_PAYLOAD_VARIABLE,
  type HooksPayload,
} from "../hooks/payload/hooks-payload.ts";
import { RepositoryLocator } from "../storage/locator/repository-locator.ts";
import { type TestHooks, type TestHooksOptions, testHooks } from "./test-hooks.ts";

/** What requests of all hooks may say. */
export interface TestHookRequest {
  readonly repository?: TestRepositoryAddress;
  readonly environmentVariables?: string[];
  readonly gitPushOptions?: string[];
  readonly stdin?: Uint8Array;
}

/** Collects all that comes. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** A repository as requests name it, with GitLab's names. */
export interface TestRepositoryAddress {
  readonly storageName: string;
  readonly relativePath: string;
  readonly glRepository: string;
  readonly glProjectPath: string;
}

/** What handlers of HookService need, and what their requests say. */
export interface TestHookService extends TestHooks {
  readonly needs: { readonly locator: RepositoryLocator; readonly hooks: HookManager };
  /** The repository as requests name it. */
  readonly address: TestRepositoryAddress;
  /** The environment of a hook's process. */
  readonly environmentVariables: string[];
}

/** As `testHooks`, for those who ask over the service. */
export function testHookService(
  t: TestContext,
  options: TestHooksOptions = {},
  payload: Partial<HooksPayload> = {},
): TestHookService {
  const hooks = testHooks(t, options);
  const storages = new Map([
    [hooks.context.repository.storageName, dirname(hooks.repository.path)],
  ]);
  return {
    ...hooks,
    needs: { locator: new RepositoryLocator(storages), hooks: hooks.manager },
    address: repositoryAddress(hooks.context.repository),
    environmentVariables: [hooksPayloadVariable(hooks.context, payload)],
  };
}

/** `GITALY_HOOKS_PAYLOAD` for a push. */
export function hooksPayloadVariable(
  context: PushContext,
  changes: Partial<HooksPayload> = {},
): string {
  const payload: HooksPayload = {
    requestedHooks: context.requestedHooks,
    featureFlags: context.featureFlags,
    repository: repositoryAddress(context.repository),
    objectFormat: context.objectFormat,
    runtimeDirectory: "",
    internalSocket: "",
    internalSocketToken: "",
    transaction: context.transaction,
    user: context.user,
    clientContext: context.clientContext,
    ...changes,
  };
  return `${HOOKS_PAYLOAD_VARIABLE}=${encodeHooksPayload(payload)}`;
}

function repositoryAddress(located: PushContext["repository"]): TestRepositoryAddress {
  const { storageName, relativePath, glRepository, glProjectPath } = located;
  return { storageName, relativePath, glRepository, glProjectPath };
}
