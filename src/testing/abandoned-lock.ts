import { spawnSync } from "node:child_process";

const OWNER = new URL("../storage/file/lock-owner.ts", import.meta.url).href;

/** Makes and stamps a lock, and dies of it. */
const HOLDER = `
  const { openSync } = await import("node:fs");
  const { stampLock } = await import(${JSON.stringify(OWNER)});
  stampLock(openSync(process.argv[1], "wx"));
  process.kill(process.pid, "SIGKILL");
`;

/** Has a process of ours leave a lock file at `path`. */
export function leaveLock(path: string): void {
  spawnSync(process.execPath, ["--input-type=module", "-e", HOLDER, path]);
}
