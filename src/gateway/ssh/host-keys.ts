import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { isMissing } from "../../base/error/system-error-text.ts";

/** The kinds of host keys that clients of any age can choose from, best first. */
const KINDS = ["ed25519", "ecdsa", "rsa"] as const;
type Kind = (typeof KINDS)[number];

const RSA_BITS = 3072;
const ECDSA_BITS = 256;

/**
 * Reads the host's private keys from a folder, where the first start makes them: without them
 * clients would take every start for another host.
 *
 * @returns private keys in OpenSSH's format
 */
export async function openHostKeys(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(KINDS.map((kind) => openHostKey(folder, kind)));
}

async function openHostKey(folder: string, kind: Kind): Promise<string> {
  const path = join(folder, `ssh_host_${kind}_key`);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const pair = generate(kind);
  await writeFile(`${path}.pub`, `${pair.public}\n`);
  // Moved into place whole: a start that was cut short must not leave half a key.
  await writeFile(`${path}.new`, pair.private, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return pair.private;
}

function generate(kind: Kind): { readonly private: string; readonly public: string } {
  switch (kind) {
    case "ed25519":
      return ssh2.utils.generateKeyPairSync("ed25519");
    case "ecdsa":
      return ssh2.utils.generateKeyPairSync("ecdsa", { bits: ECDSA_BITS });
    case "rsa":
      return ssh2.utils.generateKeyPairSync("rsa", { bits: RSA_BITS });
  }
}
