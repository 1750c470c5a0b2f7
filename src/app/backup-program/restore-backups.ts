import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { createClient } from "../../rpc/client/client.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import { callFailureText } from "../call-failure-text.ts";
import type { BackupOperator } from "./backup-operator.ts";
import { type BackupPipeline, repositoryKey } from "./backup-pipeline.ts";
import { type BackupSession, latestRun, openOperator, openPipeline } from "./backup-session.ts";
import { readRequests } from "./repository-request.ts";

/**
 * Restores the repositories that standard input names. With `-remove-all-repositories`, those
 * storages have no others afterwards, but for object pools.
 */
export async function restoreBackups(session: BackupSession): Promise<void> {
  const operator = openOperator(session, "restore");
  const existing = await listExisting(session, operator);
  const pipeline = openPipeline(session, "restore");
  await restoreAll(session, operator, pipeline, existing.run);
  await removeOthers(session, pipeline, existing.repositories);
}

/** A repository that was there before anything was restored. */
interface ExistingRepository {
  readonly storageName: string;
  readonly relativePath: string;
}

interface Beginning {
  /** What to restore when nobody says; see `RestoreRequest`. */
  readonly run: { readonly backupId: string; readonly useLatest: boolean };
  readonly repositories: readonly ExistingRepository[];
}

async function listExisting(session: BackupSession, operator: BackupOperator): Promise<Beginning> {
  const { flags } = session.invocation;
  const wanted = flags.text("id");
  const backupId = wanted === "" ? await latestRun(operator, session) : wanted;
  const repositories: ExistingRepository[] = [];
  for (const storageName of flags.texts("remove-all-repositories")) {
    try {
      repositories.push(...(await listRepositories(session, storageName)));
    } catch (error) {
      session.invocation.signal.throwIfAborted();
      const fields = { storage_name: storageName, error: systemErrorText(error) };
      session.logger.warn("failed to list repositories", fields);
    }
  }
  return { run: { backupId, useLatest: wanted === "" }, repositories };
}

async function restoreAll(
  { invocation }: BackupSession,
  operator: BackupOperator,
  pipeline: BackupPipeline,
  run: Beginning["run"],
): Promise<void> {
  const { stdin, signal } = invocation;
  try {
    for await (const request of readRequests(stdin, "restoreRequest")) {
      await pipeline.handle(request.repository, () =>
        operator.restore({ ...request, ...run }, signal),
      );
    }
  } catch (error) {
    await pipeline.done();
    throw new Error(`restore: ${systemErrorText(error)}`, { cause: error });
  }
  const failure = await pipeline.done();
  if (failure !== undefined) throw new Error(`restore: ${failure}`);
}

async function listRepositories(
  { servers, invocation }: BackupSession,
  storageName: string,
): Promise<ExistingRepository[]> {
  let doing = "list repos";
  try {
    const channel = servers.channel(servers.of(storageName), storageName);
    doing = "list repos: receiving messages";
    const { signal } = invocation;
    const client = createClient(InternalGitaly, channel);
    const found: ExistingRepository[] = [];
    for await (const { relativePath } of client.walkRepos({ storageName }, { signal })) {
      found.push({ storageName, relativePath });
    }
    return found;
  } catch (error) {
    throw new Error(`${doing}: ${callFailureText(error)}`, { cause: error });
  }
}

/** Pools aren't backed up, so that they would never be among what was restored. */
async function removeOthers(
  session: BackupSession,
  { processed }: BackupPipeline,
  existing: readonly ExistingRepository[],
): Promise<void> {
  const failures: string[] = [];
  for (const repository of existing) {
    const { storageName, relativePath } = repository;
    if (processed.has(repositoryKey(repository)) || isObjectPoolPath(relativePath)) continue;
    try {
      await remove(session, repository);
    } catch (error) {
      session.invocation.signal.throwIfAborted();
      const which = `storage_name ${quoteText(storageName)} relative_path ${quoteText(relativePath)}`;
      failures.push(`${which}: ${systemErrorText(error)}`);
    }
  }
  if (failures.length === 0) return;
  const count = `${failures.length} failures encountered`;
  throw new Error(`remove dangling repositories: ${count}: ${failures.join("\n")}`);
}

async function remove(
  { servers, invocation }: BackupSession,
  repository: ExistingRepository,
): Promise<void> {
  let doing = "remove repo";
  try {
    const { storageName } = repository;
    const channel = servers.channel(servers.of(storageName), storageName);
    doing = "remove repo: remove";
    const client = createClient(RepositoryService, channel);
    await client.removeRepository({ repository }, { signal: invocation.signal });
  } catch (error) {
    if (error instanceof CallError && error.kind === "not-found") return;
    throw new Error(`${doing}: ${callFailureText(error)}`, { cause: error });
  }
}
