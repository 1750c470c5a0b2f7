import { systemErrorText } from "../../base/error/system-error-text.ts";
import { type BackupSession, latestRun, openOperator, openPipeline } from "./backup-session.ts";
import { readRequests } from "./repository-request.ts";

/** Backs up the repositories that standard input names. */
export async function createBackups(session: BackupSession): Promise<void> {
  const { flags, stdin, signal } = session.invocation;
  const operator = openOperator(session, "create");
  const pipeline = openPipeline(session, "create");
  const incremental = flags.truth("incremental");
  const backupId = flags.text("id");
  const latestBackupId = incremental ? await latestRun(operator, session) : "";
  try {
    for await (const { server, repository } of readRequests(stdin, "serverRepository")) {
      const request = { server, repository, backupId, latestBackupId, incremental };
      await pipeline.handle(repository, () => operator.create(request, signal));
    }
  } catch (error) {
    await pipeline.done();
    throw new Error(`create: ${systemErrorText(error)}`, { cause: error });
  }
  const failure = await pipeline.done();
  // What was backed up can be restored even when something else wasn't.
  if (pipeline.processed.size > 0) {
    try {
      await operator.writeBackupId(backupId, signal);
    } catch (error) {
      throw new Error(`write backup ID: ${systemErrorText(error)}`, { cause: error });
    }
  }
  if (failure !== undefined) throw new Error(`create: ${failure}`);
}
