import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Gives a repository a custom hook, a shell script. */
export function writeCustomHook(repositoryPath: string, name: string, script: string): void {
  const folder = join(repositoryPath, "custom_hooks");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
