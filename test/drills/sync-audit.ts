import { DrillFinding } from "./drill.ts";

/** A system call that has returned. */
interface SystemCall {
  readonly name: string;
  readonly text: string;
}

const NAMES = "fsync,fdatasync,rename,renameat,renameat2,link,linkat";

/** The command that writes down what another command syncs and names, in the file `log`. */
export function syncAuditPrefix(log: string, { stubbed }: { stubbed: boolean }): readonly string[] {
  const flags = ["-D", "-f", "-qq", "-y", "--seccomp-bpf", "-s", "4096", "-e", `trace=${NAMES}`];
  const stub = stubbed ? ["-e", "inject=fsync,fdatasync:retval=0"] : [];
  return ["strace", ...flags, ...stub, "-e", "signal=none", "-o", log];
}

/**
 * Fails with a finding unless every file was synced before it got a name among the objects and
 * references below `repository`; counts those names.
 */
export function expectSyncedFirst(log: string, repository: string): number {
  const synced = new Set<string>();
  let named = 0;
  for (const { name, text } of systemCalls(log)) {
    if (name.endsWith("sync")) {
      const path = syncedFile(text);
      if (path !== undefined) synced.add(path);
      continue;
    }
    const [from = "", to = ""] = [...text.matchAll(/"([^"]*)"/g)].map(([, path]) => path);
    if (synced.has(from)) synced.add(to);
    if (!isLasting(to, repository)) continue;
    named += 1;
    if (!synced.has(from)) throw new DrillFinding(`named before it was synced: ${to}`);
  }
  return named;
}

/** What a call has synced; undefined if it only said so. */
function syncedFile(text: string): string | undefined {
  return text.includes("INJECTED") ? undefined : /<([^>]*)>/.exec(text)?.[1];
}

/** Locks are names as well, but nothing that has to last. */
function isLasting(path: string, repository: string): boolean {
  if (!path.startsWith(`${repository}/`) || path.endsWith(".lock")) return false;
  const name = path.slice(repository.length + 1);
  return /^objects\/([0-9a-f]{2}\/[0-9a-f]{38}|pack\/.*\.(pack|idx|rev))$|^refs\/|^packed-refs$/.test(
    name,
  );
}

/** Calls in the order in which they returned; those that were interrupted are put together. */
function systemCalls(log: string): SystemCall[] {
  const begun = new Map<string, string>();
  return log.split("\n").flatMap((line) => {
    const [, thread = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(thread, rest);
      return [];
    }
    const text = rest.startsWith("<...") ? `${begun.get(thread) ?? ""}${rest}` : rest;
    const name = /^\w+/.exec(text)?.[0];
    return name === undefined || !/ = 0( \(INJECTED\))?$/.test(text) ? [] : [{ name, text }];
  });
}
