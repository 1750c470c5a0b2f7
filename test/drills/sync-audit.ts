import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
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
 *
 * Folders of objects may get their name with all that is in them: what is there now must have been
 * synced before that, or have got a name of its own since.
 */
export function expectSyncedFirst(log: string, repository: string): number {
  const audit = new SyncAudit(repository);
  for (const { name, text } of systemCalls(log)) {
    if (name.endsWith("sync")) {
      audit.sync(syncedFile(text));
    } else {
      const paths = [...text.matchAll(/"([^"]*)"/g)].map(([, path = ""]) => path);
      // Git works in the repository, and names files from there.
      const [from = "", to = ""] = paths.map((path) => resolve(repository, path));
      audit.name(from, to);
    }
  }
  return audit.finish();
}

class SyncAudit {
  readonly #repository: string;
  readonly #synced = new Set<string>();
  /** Names that came after the file was synced. */
  readonly #proven = new Set<string>();
  /** Folders of objects that were moved as a whole. */
  readonly #folders = new Set<string>();
  #named = 0;

  constructor(repository: string) {
    this.#repository = repository;
  }

  sync(path: string | undefined): void {
    if (path !== undefined) this.#synced.add(path);
  }

  name(from: string, to: string): void {
    const isSynced = this.#synced.has(from);
    if (isSynced) this.#synced.add(to);
    if (isFolderOfObjects(to, this.#repository)) this.#moveFolder(from, to);
    if (!isLasting(to, this.#repository)) return;
    this.#named += 1;
    if (!isSynced) throw new DrillFinding(`named before it was synced: ${to}`);
    this.#proven.add(to);
  }

  /** Returns how many lasting names there were. */
  finish(): number {
    for (const path of [...this.#folders].flatMap(objectsIn)) {
      if (!this.#proven.has(path)) throw new DrillFinding(`named before it was synced: ${path}`);
    }
    return this.#named;
  }

  #moveFolder(from: string, to: string): void {
    this.#folders.add(to);
    const synced = [...this.#synced].filter((path) => path.startsWith(`${from}/`));
    const files = synced.map((path) => to + path.slice(from.length));
    for (const file of files.filter((path) => isLasting(path, this.#repository))) {
      this.#proven.add(file);
      this.#named += 1;
    }
  }
}

function isFolderOfObjects(path: string, repository: string): boolean {
  const objects = `${repository}/objects/`;
  return path.startsWith(objects) && /^[0-9a-f]{2}$/.test(path.slice(objects.length));
}

/** Housekeeping may have packed them, and removed the folder. */
function objectsIn(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => /^[0-9a-f]{38}$/.test(name)).map((name) => `${folder}/${name}`);
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
