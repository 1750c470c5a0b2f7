/** What runs on this machine, as far as tests have to know it. Reads /proc, so Linux only. */
import { readdirSync, readFileSync } from "node:fs";

export type RunningProcess = { readonly pid: number; readonly command: string };

/** The processes whose environment has TMPDIR set to `temporary`, or to a folder below it. */
export function processesMarked(temporary: string): readonly RunningProcess[] {
  const marks = [`TMPDIR=${temporary}\0`, `TMPDIR=${temporary}/`];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, "latin1");
        if (!marks.some((mark) => environment.includes(mark))) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
        return [{ pid: Number(name), command }];
      } catch {
        return []; // It has ended, or belongs to someone else.
      }
    });
}

/** Is there a process with this id? A negative number means a process group. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
}
