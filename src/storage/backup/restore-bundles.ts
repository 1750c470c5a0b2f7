import { quoteText } from "../../base/text/quote-text.ts";
import { startReading } from "./backup-sink.ts";
import { inStage } from "./backup-stage.ts";
import { checkBundle } from "./check-bundle.ts";
import type { BackupManifest } from "./manifest.ts";
import { type BackedUpReference, readReferences } from "./reference-list.ts";
import type { RestoreBackupNeeds, RestoreTarget } from "./restore-target.ts";

/**
 * Fetches all bundles of a backup, then sets references and HEAD to those of the backup.
 *
 * Every step is read once before anything is changed, so that a later one which is damaged doesn't
 * leave the repository as it was at an earlier one.
 *
 * @param createMissing makes the repository when there is none
 */
export async function restoreFromBundles(
  needs: RestoreBackupNeeds,
  target: RestoreTarget,
  backup: BackupManifest,
  createMissing: () => Promise<void>,
): Promise<void> {
  const { signal } = needs;
  const { bundlePaths, references } = await checkSteps(needs, backup);
  await inStage("create empty repo", signal, createMissing);
  const isHeadKnown = backup.headReference.startsWith("refs/heads/");
  for (const path of bundlePaths) {
    await inStage("restore bundle", signal, () => fetchBundle(needs, target, path, !isHeadKnown));
  }
  if (references.length > 0) {
    await inStage("restore refs optimistically: update refs optimistically", signal, () =>
      target.resetReferences(references, { knownOnly: true }),
    );
  }
  if (!isHeadKnown) return;
  await inStage("set head reference", signal, () => target.setHead(backup.headReference));
}

/** What the steps of a backup consist of. */
interface CheckedSteps {
  readonly bundlePaths: readonly string[];
  /** Those of the last step. */
  readonly references: readonly BackedUpReference[];
}

async function checkSteps(
  { sink, signal }: RestoreBackupNeeds,
  { steps }: BackupManifest,
): Promise<CheckedSteps> {
  const bundlePaths: string[] = [];
  let references: BackedUpReference[] = [];
  for (const { refPath, bundlePath } of steps) {
    references = await inStage("read refs", signal, () => readReferences(sink, refPath, signal));
    // An empty repository has no bundle.
    if (references.length === 0) continue;
    await inStage("restore bundle", signal, async () => {
      const pieces = await openBundle({ sink, signal }, bundlePath);
      await inStage(`fetch bundle: ${quoteText(bundlePath)}`, signal, () => checkBundle(pieces));
    });
    bundlePaths.push(bundlePath);
  }
  return { bundlePaths, references };
}

async function fetchBundle(
  needs: RestoreBackupNeeds,
  target: RestoreTarget,
  path: string,
  updateHead: boolean,
): Promise<void> {
  const pieces = await openBundle(needs, path);
  await inStage(`fetch bundle: ${quoteText(path)}`, needs.signal, () =>
    target.fetchBundle(pieces, updateHead),
  );
}

async function openBundle(
  { sink, signal }: Pick<RestoreBackupNeeds, "sink" | "signal">,
  path: string,
): Promise<AsyncIterable<Uint8Array>> {
  return inStage(`get reader: ${quoteText(path)}`, signal, async () => {
    return (await startReading(sink.read(path, signal))) ?? nothing();
  });
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
