import { join, resolve } from "node:path";

/** Where a local forge keeps its data and listens. */
export interface ForgeSettings {
  /** Absolute path of the folder that holds everything. */
  readonly folder: string;
  readonly storagePath: string;
  readonly runtimeDir: string;
  readonly backupsPath: string;
  /** Bundles that clients download before they clone, and what their URLs are signed with. */
  readonly bundlesPath: string;
  readonly bundlesKeyPath: string;
  readonly serverConfigPath: string;
  readonly gatewayConfigPath: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly sshPort: number;
}

/** An environment variable does not hold what it should; the message names it. */
export class ForgeSettingError extends Error {}

const PORTS = { GRPC_PORT: 2305, HTTP_PORT: 8080, SSH_PORT: 2222 } as const;

/**
 * Reads `FORGE_DIR` (default `./forge`), `GRPC_PORT` (2305), `HTTP_PORT` (8080) and `SSH_PORT`
 * (2222). Throws ForgeSettingError.
 */
export function readForgeSettings(
  environment: Readonly<Record<string, string | undefined>>,
): ForgeSettings {
  const folder = resolve(environment["FORGE_DIR"] || "forge");
  const port = (name: keyof typeof PORTS): number => {
    const text = environment[name] || String(PORTS[name]);
    const number = /^\d+$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > 65_535) throw new ForgeSettingError(`${name}: ${text} is no port`);
    return number;
  };
  return {
    folder,
    storagePath: join(folder, "repositories"),
    runtimeDir: join(folder, "run"),
    backupsPath: join(folder, "backups"),
    bundlesPath: join(folder, "bundles"),
    bundlesKeyPath: join(folder, "bundles.key"),
    serverConfigPath: join(folder, "gitaly.toml"),
    gatewayConfigPath: join(folder, "gateway.toml"),
    grpcPort: port("GRPC_PORT"),
    httpPort: port("HTTP_PORT"),
    sshPort: port("SSH_PORT"),
  };
}
