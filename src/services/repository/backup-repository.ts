import { textFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BackupRepositoryRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import {
  type BackedUpRepository,
  BackupCatalogue,
  type TentativeBackup,
} from "../../storage/backup/backup-catalogue.ts";
import { type BackupSink, writeUnlessEmpty } from "../../storage/backup/backup-sink.ts";
import type { BackupManifest, BackupStep } from "../../storage/backup/manifest.ts";
import {
  type BackedUpReference,
  formatReferences,
  parseReferences,
} from "../../storage/backup/reference-list.ts";
import { RepositoryNotFoundError } from "../../storage/locator/locator-errors.ts";
import { bundleReferences, EmptyBundleError } from "../common/bundle.ts";
import { headTarget } from "../common/default-branch.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { backupName, backupStage } from "./backup-stage.ts";
import { customHooksArchive } from "./custom-hooks-archive.ts";

type Needs = ReadNeeds & {
  readonly git: GitRunner;
  /** Undefined when the configuration doesn't say where backups go. */
  readonly backupSink: BackupSink | undefined;
};
type BackupRepository = Handler<typeof RepositoryService.method.backupRepository>;

/**
 * Stores a repository's references, objects, HEAD and custom hooks in the configured place: all of
 * them, or what is new since an earlier backup. A backup can be found only when it is complete.
 */
export function backupRepository(needs: Needs): BackupRepository {
  return async (request, call) => {
    const { backupSink: sink, locator } = needs;
    if (sink === undefined) {
      throw failedPrecondition("backup repository: server-side backups are not configured");
    }
    if (request.backupId === "") throw invalidArgument("empty BackupId");
    placeRepository(locator, request.repository);
    const name = backupName(request.vanityRepository);
    const backup = { needs, sink, call, git: gitCall(call) };
    await backupStage(call, "backup repository", () => makeBackup(backup, request, name));
    return {};
  };
}

interface Backup {
  readonly needs: Needs;
  readonly sink: BackupSink;
  readonly call: Call;
  readonly git: GitCall;
}

async function makeBackup(
  backup: Backup,
  request: BackupRepositoryRequest,
  name: BackedUpRepository,
): Promise<void> {
  const { needs, sink, call } = backup;
  const { signal } = call;
  const { backupId } = request;
  const catalogue = new BackupCatalogue(sink);
  const manage = <Result>(step: () => Promise<Result>) => backupStage(call, "manager", step);
  const begun = await manage(() => begin(catalogue, name, request, signal));
  const repository = await manage(() => open(needs, request, call));
  if (repository === undefined) {
    await catalogue.commit(name, backupId, nonExistent(begun), signal);
    return;
  }
  await manage(async () => {
    const manifest = await store(backup, repository, begun);
    await catalogue.commit(name, backupId, manifest, signal);
  });
}

async function begin(
  catalogue: BackupCatalogue,
  name: BackedUpRepository,
  { backupId, latestBackupId, incremental }: BackupRepositoryRequest,
  signal: AbortSignal,
): Promise<TentativeBackup> {
  if (!incremental) return catalogue.beginFull(name, backupId);
  return catalogue.beginIncremental(name, backupId, latestBackupId, signal);
}

/** The repository, or undefined when there is none. */
async function open(
  needs: Needs,
  { repository }: BackupRepositoryRequest,
  call: Call,
): Promise<OpenedRepository | undefined> {
  return backupStage(call, "local repository: object hash", async () => {
    try {
      return openLocated(needs, needs.locator.locate(repository), call);
    } catch (error) {
      if (error instanceof RepositoryNotFoundError) return undefined;
      throw error;
    }
  });
}

function nonExistent({ previous, step }: TentativeBackup): BackupManifest {
  const steps = [...previous, step];
  return { empty: true, nonExistent: true, steps, objectFormat: "", headReference: "" };
}

/**
 * The references are written down before the objects: whatever is among the references was there
 * when the bundle was begun, unless somebody has removed it in between.
 */
async function store(
  { needs, sink, call, git }: Backup,
  repository: OpenedRepository,
  { previous, step }: TentativeBackup,
): Promise<BackupManifest> {
  const { objects, refs, located } = repository;
  const { signal } = call;
  const head = await backupStage(call, "local repository: head reference", () => headTarget(refs));
  const listed = { count: 0 };
  await backupStage(call, "stream refs", () =>
    sink.write(step.refPath, formatReferences(listReferences(refs, listed)), signal),
  );
  const isEmpty = listed.count === 0;
  if (!isEmpty) {
    const bundle = bundleOf({ needs, sink, call, git }, repository, step);
    await backupStage(call, "write bundle", () =>
      writeUnlessEmpty(sink, step.bundlePath, bundle, signal),
    );
  }
  await backupStage(call, "write custom hooks", () =>
    writeUnlessEmpty(sink, step.customHooksPath, customHooksArchive(located, signal), signal),
  );
  return {
    empty: isEmpty,
    nonExistent: false,
    steps: [...previous, step],
    objectFormat: objects.format,
    headReference: textFromBinary(head),
  };
}

function* listReferences(
  refs: RefReader,
  listed: { count: number },
): Generator<BackedUpReference, void, undefined> {
  const head = refs.findOid(HEAD);
  if (head !== undefined) {
    listed.count++;
    yield { name: HEAD, oid: head };
  }
  for (const { name, oid } of refs.list()) {
    listed.count++;
    yield { name, oid };
  }
}

/** No pieces when there is nothing new. */
async function* bundleOf(
  { needs, sink, call, git }: Backup,
  { located }: OpenedRepository,
  { previousRefPath }: BackupStep,
): AsyncGenerator<Uint8Array, void, undefined> {
  const known = previousRefPath === "" ? undefined : newSince(sink, previousRefPath, call.signal);
  try {
    yield* bundleReferences(needs.git, located, git, known);
  } catch (error) {
    if (error instanceof EmptyBundleError) return;
    throw error;
  }
}

/** All references without what an earlier step has, in the words of `git rev-list --stdin`. */
async function* newSince(
  sink: BackupSink,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from("--all\n");
  for await (const { oid } of parseReferences(sink.read(path, signal))) {
    yield Buffer.from(`^${oid}\n`);
  }
}
