import type { SshProgram } from "../../services/common/internal-source.ts";
import { programCommand } from "../program-command.ts";

/** Where programs that make TLS connections find certificates of this machine's own. */
const CERTIFICATES = ["SSL_CERT_DIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];

/** How git runs `gitaly-ssh`, which belongs to this program, on the Node that runs this one. */
export function sshProgramCommand(
  environment: Readonly<Record<string, string | undefined>>,
): SshProgram {
  const command = programCommand("gitaly-ssh");
  const env: Record<string, string> = {};
  for (const variable of CERTIFICATES) {
    const value = environment[variable];
    if (value !== undefined) env[variable] = value;
  }
  return { command, env };
}
