import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How git shall call ssh. Disposing removes the key again. */
export interface SshInvocation extends AsyncDisposable {
  /** For `GIT_SSH_COMMAND`. */
  readonly command: string;
}

export interface SshIdentity {
  /** A private key; empty for none. */
  readonly sshKey: string;
  /** Lines as in ssh's known_hosts; empty for the ones of this machine. */
  readonly knownHosts: string;
}

const OWNER_ONLY = { mode: 0o600, flag: "wx" } as const;

/** Puts what ssh reads from files into files that only their owner can read. */
export async function prepareSsh({ sshKey, knownHosts }: SshIdentity): Promise<SshInvocation> {
  if (sshKey === "" && knownHosts === "") {
    return { command: "ssh", [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const folder = await mkdtemp(join(tmpdir(), "gitaly-ssh-invocation"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const options: string[] = [];
    if (sshKey !== "") {
      const path = join(folder, "ssh-key");
      await writeFile(path, sshKey, OWNER_ONLY);
      options.push("-oIdentitiesOnly=yes", `-oIdentityFile=${path}`);
    }
    if (knownHosts !== "") {
      const path = join(folder, "known-hosts");
      await writeFile(path, knownHosts, OWNER_ONLY);
      const checks = ["-oStrictHostKeyChecking=yes", "-oCheckHostIP=no"];
      options.push(...checks, `-oUserKnownHostsFile=${path}`);
    }
    return { command: ["ssh", ...options].join(" "), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
