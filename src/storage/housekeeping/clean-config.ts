import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { GitConfig } from "../../git/config/git-config.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { replaceFile } from "../file/replace-file.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { HousekeepingError, type HousekeepingRun } from "./run-optimization.ts";

/** Settings that former versions wrote and nobody reads. */
const UNNECESSARY =
  /^(http\..+\.extraheader|remote\..+\.(fetch|mirror|prune|url)|core\.(commitgraph|sparsecheckout|splitindex))$/s;
const FULL_PATH = /gitlab.fullpath/;

/** Of a file that has been rewritten: settings may be secrets. */
const CONFIG_MODE = 0o600;

/**
 * Drops settings that nobody reads, and sections that are empty. Git runs only when there are such
 * settings.
 *
 * @returns what was removed, by the kind that metrics name
 */
export async function cleanConfig(
  git: GitRunner,
  { path }: LocatedRepository,
  options: HousekeepingRun,
): Promise<ReadonlyMap<string, number>> {
  const file = join(path, "config");
  const content = readFileSync(file, "latin1");
  const pruned = pruneEmptySections(content);
  const names = GitConfig.parse(Buffer.from(content, "latin1")).entries.map(({ name }) => name);
  const unnecessary = names.filter((name) => UNNECESSARY.test(name));
  const fullPath = names.filter((name) => FULL_PATH.test(name));
  const counts = new Map([
    ["configsections", pruned.count],
    ["configkeys", unnecessary.length > 0 ? 1 : 0],
    ["configfullpath", fullPath.length > 0 ? 1 : 0],
  ]);
  if (pruned.count > 0) {
    assertSame(content, pruned.text);
    await replaceFile(file, Buffer.from(pruned.text, "latin1"), { mode: CONFIG_MODE });
  }
  const obsolete = new Set([...unnecessary, ...fullPath]);
  for (const name of obsolete) await unset(git, file, name, options);
  if (obsolete.size > 0) await chmod(file, CONFIG_MODE);
  return counts;
}

/** Git takes its own lock for each. */
async function unset(
  git: GitRunner,
  file: string,
  name: string,
  options: HousekeepingRun,
): Promise<void> {
  const flags = ["--unset-all", ["--file", file]] as const;
  const command = { name: "config", flags, args: [Buffer.from(name, "latin1")] } as const;
  // 5: another one has removed it.
  await git.run(undefined, command, { ...options, okExitCodes: [5] });
}

/** A header that another one follows, or nothing, is that of an empty section. */
function pruneEmptySections(content: string): { readonly text: string; readonly count: number } {
  const lines = content.split(/(?<=\n)/);
  const kept = lines.filter((line, index) => {
    const next = lines[index + 1];
    return !isHeader(line) || (next !== undefined && !isHeader(next));
  });
  return { text: kept.join(""), count: lines.length - kept.length };
}

function isHeader(line: string): boolean {
  return /^\s*\[.*\]\s*$/s.test(line);
}

function assertSame(before: string, after: string): void {
  const list = (text: string): string =>
    JSON.stringify(GitConfig.parse(Buffer.from(text, "latin1")).entries);
  if (list(before) === list(after)) return;
  throw new HousekeepingError("section pruning has caused config change", undefined);
}
