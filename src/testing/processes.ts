import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Command lines of the processes below `root`, by process id. */
export function descendants(root: number): Map<number, string> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = parentOf(entry);
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = new Map<number, string>();
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.set(child, commandLine(child));
      visit(child);
    }
  };
  visit(root);
  return found;
}

/** The git processes below `root`. */
export function gitProcesses(root: number): string[] {
  return [...descendants(root).values()].filter((line) => /(^|\/)git(-[a-z-]+)? /.test(line));
}

/** The id of one git process below `root` whose command line has `part`, once there is one. */
export function findGitProcess(root: number, part: string): number | undefined {
  for (const [pid, line] of descendants(root)) if (line.includes(part)) return pid;
  return undefined;
}

/** Bytes that a process has written so far, to whatever. */
export function writtenBytes(pid: number): number {
  const [, written = "0"] = /^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "latin1")) ?? [];
  return Number(written);
}

/** Memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) * 1024;
}

/** Whether a process holds nothing any more; its parent may not have asked for it yet. */
export function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return true;
  }
}

/** Asks again and again until the answer is yes; fails with `what` when the time is up. */
export async function eventually(
  what: string,
  limitMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not in ${limitMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}

const POLL_MS = 20;

function parentOf(entry: string): number | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return `${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")} `;
  } catch {
    return "";
  }
}
