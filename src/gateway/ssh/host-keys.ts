import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { generateKeyPair, KEY_KINDS, type KeyKind } from "./generate-key-pair.ts";

/**
 * Reads the host's private keys from a folder, where the first start makes them: without them
 * clients would take every start for another host.
 *
 * @returns private keys in OpenSSH's format
 */
export async function openHostKeys(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(KEY_KINDS.map((kind) => openHostKey(folder, kind)));
}

async function openHostKey(folder: string, kind: KeyKind): Promise<string> {
  const path = join(folder, `ssh_host_${kind}_key`);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const pair = generateKeyPair(kind);
  await writeFile(`${path}.pub`, `${pair.public}\n`);
  // Moved into place whole: a start that was cut short must not leave half a key.
  await writeFile(`${path}.new`, pair.private, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return pair.private;
}
