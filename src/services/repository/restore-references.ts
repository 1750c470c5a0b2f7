import { quoteText } from "../../base/text/quote-text.ts";
import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";
import type { BackupManifest } from "../../storage/backup/manifest.ts";
import { type BackedUpReference, parseReferences } from "../../storage/backup/reference-list.ts";
import { RepositoryNotFoundError } from "../../storage/locator/locator-errors.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { receiveBundle } from "../common/bundle.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import type { GitCall } from "../common/git-call.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import { backupStage } from "./backup-stage.ts";
import { type FetchBundleNeeds, mirrorBundle } from "./fetch-bundle.ts";

export type RestoreNeeds = FetchBundleNeeds & CreateNeeds;

/** What is to be restored where. */
export interface Restoration {
  readonly needs: RestoreNeeds;
  readonly sink: BackupSink;
  readonly call: Call;
  readonly options: GitCall;
  readonly target: LocatedRepository;
  readonly backup: BackupManifest;
}

/** Sets references and HEAD to those of a backup; fails when objects are missing. */
export async function restoreFromReferences(restoration: Restoration): Promise<void> {
  const references = await readReferences(restoration, restoration.backup.steps.at(-1)?.refPath);
  if (references.length === 0) throw new RpcError("unknown", "no refs in backup");
  const repository = openTarget(restoration);
  const { removals, updates } = differences(repository, references);
  await updateReferences(restoration, repository, [...removals, ...updates]);
  if (restoration.backup.headReference === "") {
    throw new RpcError("unknown", "expected HEAD to be a symbolic reference");
  }
  await setHead(restoration, repository);
}

/** Fetches all bundles of a backup, then sets references and HEAD to those of the backup. */
export async function restoreFromBundles(restoration: Restoration): Promise<void> {
  const { call, backup } = restoration;
  await backupStage(call, "create empty repo", () => createMissing(restoration));
  const updateHead = branchOf(backup) === undefined;
  for (const { refPath, bundlePath } of backup.steps) {
    const references = await backupStage(call, "read refs", () =>
      readReferences(restoration, refPath),
    );
    if (references.length === 0) continue;
    await backupStage(call, "restore bundle", () =>
      restoreBundle(restoration, bundlePath, updateHead),
    );
  }
  const doing = "restore refs optimistically";
  await backupStage(call, doing, () => restoreKnownReferences(restoration));
  if (updateHead) return;
  await backupStage(call, "set head reference", () =>
    setHead(restoration, openTarget(restoration)),
  );
}

/** Makes an empty repository with a backup's object format and HEAD, unless there is one. */
export async function createMissing(restoration: Restoration): Promise<void> {
  const { needs, target, backup, call, options } = restoration;
  if (exists(restoration)) return;
  const format = await backupStage(call, "get object hash", () => formatOf(backup));
  const branch = branchOf(backup);
  const initFlags: GitFlag[] = [["--object-format", format]];
  if (branch !== undefined) initFlags.unshift(["--initial-branch", branch]);
  await backupStage(call, "create repository: local repository: create", () =>
    createRepository(needs, target, { initFlags, options }, call),
  );
}

function exists({ needs, target }: Restoration): boolean {
  try {
    needs.locator.locate(target);
    return true;
  } catch (error) {
    if (error instanceof RepositoryNotFoundError) return false;
    throw error;
  }
}

function formatOf({ objectFormat }: BackupManifest): ObjectFormat {
  if (objectFormat === "sha1" || objectFormat === "sha256") return objectFormat;
  throw new RpcError("unknown", `unknown object format: ${quoteText(objectFormat)}`);
}

const BRANCHES = "refs/heads/";

function branchOf({ headReference }: BackupManifest): string | undefined {
  return headReference.startsWith(BRANCHES) ? headReference.slice(BRANCHES.length) : undefined;
}

function openTarget({ needs, target, call }: Restoration): OpenedRepository {
  return openLocated(needs, needs.locator.locate(target), call);
}

/** HEAD isn't among them: it is symbolic, and the manifest tells what it names. */
async function readReferences(
  { sink, call }: Restoration,
  path = "",
): Promise<BackedUpReference[]> {
  return backupStage(call, "read refs", async () => {
    const references: BackedUpReference[] = [];
    for await (const reference of parseReferences(sink.read(path, call.signal))) {
      if (reference.name !== "HEAD") references.push(reference);
    }
    return references;
  });
}

async function restoreBundle(
  restoration: Restoration,
  path: string,
  updateHead: boolean,
): Promise<void> {
  const { needs, sink, target, call, options } = restoration;
  const pieces = sink.read(path, call.signal);
  const { storageName } = target;
  await using bundle = await backupStage(call, `get reader: ${quoteText(path)}`, () =>
    receiveBundle(needs.locator, storageName, pieces, call.signal),
  );
  await backupStage(call, `fetch bundle: ${quoteText(path)}: local repository: fetch bundle`, () =>
    mirrorBundle(needs, target, bundle, { call, options, updateHead }),
  );
}

/**
 * Bundles don't tell which references had been deleted. A reference may have been written down
 * whose object was gone when its bundle was made: then the others stay as the bundles have them.
 */
async function restoreKnownReferences(restoration: Restoration): Promise<void> {
  const { call, backup } = restoration;
  const references = await readReferences(restoration, backup.steps.at(-1)?.refPath);
  if (references.length === 0) return;
  const repository = openTarget(restoration);
  const { removals, updates } = differences(repository, references);
  await backupStage(call, "update refs optimistically: remove refs", () =>
    updateReferences(restoration, repository, removals),
  );
  try {
    await updateReferences(restoration, repository, updates);
  } catch (error) {
    call.signal.throwIfAborted();
    restoration.needs.logger.warn("references of the backup can't be restored", { error });
  }
}

interface Differences {
  readonly removals: readonly BackedUpReference[];
  readonly updates: readonly BackedUpReference[];
}

function differences(
  { refs, objects }: OpenedRepository,
  wanted: readonly BackedUpReference[],
): Differences {
  const zero = zeroOid(objects.format);
  const names = new Set(wanted.map(({ name }) => name));
  const existing = new Map<string, string>();
  const removals: BackedUpReference[] = [];
  for (const { name, oid } of refs.list()) {
    existing.set(name, oid);
    if (!names.has(name)) removals.push({ name, oid: zero });
  }
  return { removals, updates: wanted.filter(({ name, oid }) => existing.get(name) !== oid) };
}

async function updateReferences(
  { needs, call, options }: Restoration,
  repository: OpenedRepository,
  updates: readonly BackedUpReference[],
): Promise<void> {
  if (updates.length === 0) return;
  await using change = await startReferenceChange(needs, repository, call, { git: options });
  for (const { name, oid } of updates) await change.update(name, oid);
  await change.commit();
}

async function setHead(
  { needs, call, options, backup }: Restoration,
  repository: OpenedRepository,
): Promise<void> {
  const change = { noDeref: true, git: options };
  await using transaction = await startReferenceChange(needs, repository, call, change);
  await transaction.updateSymbolic("HEAD", binaryFromText(backup.headReference));
  await transaction.commit();
}
