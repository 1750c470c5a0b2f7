import type { ObjectFormat } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import {
  type BackedUpRepository,
  BackupCatalogue,
  type TentativeBackup,
} from "./backup-catalogue.ts";
import type { BackupMetrics } from "./backup-metrics.ts";
import { type BackupSink, writeUnlessEmpty } from "./backup-sink.ts";
import { inStage } from "./backup-stage.ts";
import type { BackupManifest, BackupStep } from "./manifest.ts";
import { type BackedUpReference, formatReferences, parseReferences } from "./reference-list.ts";

/** A repository as it is read for a backup. */
export interface BackupSource {
  /** Undefined when there is no repository. */
  objectFormat(): Promise<ObjectFormat | undefined>;
  /** The full name of the reference that HEAD is, as a binary string. */
  headReference(): Promise<string>;
  /** HEAD, when it leads to an object, and all other references. */
  references(): AsyncIterable<BackedUpReference> | Iterable<BackedUpReference>;
  /**
   * A bundle of all references, or of what `patterns` name in the words of `git rev-list --stdin`;
   * it may end early, or have no pieces, when there is nothing to put into it.
   */
  bundle(patterns: AsyncIterable<Uint8Array> | undefined): AsyncIterable<Uint8Array>;
  /** The repository's own hooks as a tar archive; no pieces for none. */
  customHooks(): AsyncIterable<Uint8Array>;
}

/** Which backup to make. */
export interface BackupOrder {
  /** By which name the repository's backups are kept. */
  readonly name: BackedUpRepository;
  readonly backupId: string;
  /** What to build upon, see `BackupCatalogue.beginIncremental`. */
  readonly latestBackupId: string;
  readonly incremental: boolean;
}

export interface CreateBackupNeeds {
  readonly sink: BackupSink;
  readonly metrics: BackupMetrics;
  readonly signal: AbortSignal;
}

/**
 * Stores a repository's references, objects, HEAD and custom hooks: all of them, or what is new
 * since an earlier backup. A backup can be found only when it is complete.
 */
export async function createBackup(
  needs: CreateBackupNeeds,
  source: BackupSource,
  order: BackupOrder,
): Promise<void> {
  const { sink, signal } = needs;
  const { name, backupId } = order;
  const catalogue = new BackupCatalogue(sink);
  const manage = <Result>(step: () => Promise<Result>) => inStage("manager", signal, step);
  const begun = await manage(async () => begin(catalogue, order, signal));
  const objectFormat = await manage(() => source.objectFormat());
  if (objectFormat === undefined) {
    await catalogue.commit(name, backupId, nonExistent(begun), signal);
    return;
  }
  await manage(async () => {
    const headReference = textFromBinary(await source.headReference());
    const isEmpty = await storeContents(needs, source, begun.step);
    const steps = [...begun.previous, begun.step];
    const manifest = { empty: isEmpty, nonExistent: false, steps, objectFormat, headReference };
    await catalogue.commit(name, backupId, manifest, signal);
  });
}

async function begin(
  catalogue: BackupCatalogue,
  { name, backupId, latestBackupId, incremental }: BackupOrder,
  signal: AbortSignal,
): Promise<TentativeBackup> {
  if (!incremental) return catalogue.beginFull(name, backupId);
  return catalogue.beginIncremental(name, backupId, latestBackupId, signal);
}

function nonExistent({ previous, step }: TentativeBackup): BackupManifest {
  const steps = [...previous, step];
  return { empty: true, nonExistent: true, steps, objectFormat: "", headReference: "" };
}

/**
 * The references are written down before the objects: whatever is among the references was there
 * when the bundle was begun, unless somebody has removed it in between. Returns whether there are
 * no references.
 */
async function storeContents(
  needs: CreateBackupNeeds,
  source: BackupSource,
  step: BackupStep,
): Promise<boolean> {
  const { sink, metrics, signal } = needs;
  const listed = { count: 0 };
  await inStage("stream refs", signal, () =>
    metrics.time("refs", () =>
      sink.write(step.refPath, formatReferences(counted(source, listed)), signal),
    ),
  );
  if (listed.count > 0) {
    await inStage("write bundle", signal, () =>
      metrics.time("bundle", () => storeBundle(needs, source, step)),
    );
  }
  await inStage("write custom hooks", signal, () =>
    metrics.time("custom_hooks", () =>
      writeUnlessEmpty(sink, step.customHooksPath, source.customHooks(), signal),
    ),
  );
  return listed.count === 0;
}

async function* counted(
  source: BackupSource,
  listed: { count: number },
): AsyncGenerator<BackedUpReference, void, undefined> {
  for await (const reference of source.references()) {
    listed.count++;
    yield reference;
  }
}

async function storeBundle(
  { sink, metrics, signal }: CreateBackupNeeds,
  source: BackupSource,
  { bundlePath, previousRefPath }: BackupStep,
): Promise<void> {
  const patterns = previousRefPath === "" ? undefined : newSince(sink, previousRefPath, signal);
  const size = { bytes: 0 };
  try {
    await writeUnlessEmpty(sink, bundlePath, measured(source.bundle(patterns), size), signal);
  } finally {
    metrics.observeBundle(size.bytes);
  }
}

async function* measured(
  pieces: AsyncIterable<Uint8Array>,
  size: { bytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    size.bytes += piece.length;
    yield piece;
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
