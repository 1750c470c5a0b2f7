import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stringify } from "smol-toml";
import type { ForgeSettings } from "./forge-settings.ts";

/** Where this program's own executables are. */
const BIN_DIRECTORY = fileURLToPath(new URL("../../../bin", import.meta.url));

/** Makes the forge's folders and configuration files. What the owner may have edited is kept. */
export async function prepareForge(settings: ForgeSettings): Promise<void> {
  const { folder: root, storagePath, runtimeDir, backupsPath, bundlesPath } = settings;
  for (const folder of [root, storagePath, runtimeDir, backupsPath, bundlesPath]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await writeNew(settings.bundlesKeyPath, randomBytes(32).toString("hex"));
  await writeFile(settings.serverConfigPath, serverConfig(settings));
  await writeNew(settings.gatewayConfigPath, GATEWAY_CONFIG);
}

function serverConfig(settings: ForgeSettings): string {
  const { grpcPort, runtimeDir, storagePath, backupsPath } = settings;
  const config = {
    listen_addr: `127.0.0.1:${grpcPort}`,
    bin_dir: BIN_DIRECTORY,
    runtime_dir: runtimeDir,
    graceful_restart_timeout: "5s",
    logging: { format: "text", level: "warn" },
    storage: [{ name: "default", path: storagePath }],
    backup: { go_cloud_url: pathToFileURL(backupsPath).href },
    bundle_uri: { go_cloud_url: bundlesUrl(settings) },
  };
  return `# Written anew by every start of the forge: changes are lost.\n${stringify(config)}\n`;
}

/** Where the server keeps bundles; the forge's own door serves them. */
function bundlesUrl({ bundlesPath, bundlesKeyPath, httpPort }: ForgeSettings): string {
  const url = pathToFileURL(bundlesPath);
  url.searchParams.set("base_url", `http://127.0.0.1:${httpPort}/-/bundles`);
  url.searchParams.set("secret_key_path", bundlesKeyPath);
  url.searchParams.set("metadata", "skip");
  return url.href;
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

# Repositories that are often cloned get a bundle, which clients with transfer.bundleURI download
# first. A bundle keeps what its branch was when it was made, for a day or longer.
# feature_flags = ["bundle_uri", "bundle_generation"]

log_level = "warn"
`;

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
