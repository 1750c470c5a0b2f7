import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { stringify } from "smol-toml";
import type { ForgeSettings } from "./forge-settings.ts";

/** Where this program's own executables are. */
const BIN_DIRECTORY = fileURLToPath(new URL("../../../bin", import.meta.url));

/** Makes the forge's folders and configuration files. What the owner may have edited is kept. */
export async function prepareForge(settings: ForgeSettings): Promise<void> {
  for (const folder of [settings.folder, settings.storagePath, settings.runtimeDir]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await writeFile(settings.serverConfigPath, serverConfig(settings));
  await writeNew(settings.gatewayConfigPath, GATEWAY_CONFIG);
}

function serverConfig({ grpcPort, runtimeDir, storagePath }: ForgeSettings): string {
  const config = {
    listen_addr: `127.0.0.1:${grpcPort}`,
    bin_dir: BIN_DIRECTORY,
    runtime_dir: runtimeDir,
    graceful_restart_timeout: "5s",
    logging: { format: "text", level: "warn" },
    storage: [{ name: "default", path: storagePath }],
  };
  return `# Written anew by every start of the forge: changes are lost.\n${stringify(config)}\n`;
}

const GATEWAY_CONFIG = `# The forge's doors for git clients. This file is yours: it is made once and kept.
# Listen addresses and the server's address are set by the forge itself.

# The first push to a path makes the repository.
create_on_push = true

# Everybody who reaches the forge is admitted until there is a token (HTTP) or a key (SSH).
# [[token]]
# username = "me"
# token = "a long random text"

# authorized_keys = ["ssh-ed25519 AAAA... me@laptop"]
# authorized_keys_file = "authorized_keys"

log_level = "warn"
`;

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
