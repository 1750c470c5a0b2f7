import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import type { ClientToken } from "../../gateway/access/http-access.ts";
import { ConfigError, ConfigValueError } from "../config/config-error.ts";
import { at, each, type Problem, problemText, under, unlessSet } from "../config/problem.ts";
import { decodeTable, type Fields, table, tables, text, texts, truth } from "../config/shape.ts";

/** `[server]`: the Gitaly server behind the gateway. */
export interface ServerSettings {
  /** `tcp://host:port`, `tls://host:port` or `unix:/path`. */
  readonly address: string;
  /** The server's `[auth] token`. */
  readonly token: string;
  /** A file that holds the token instead. */
  readonly tokenFile: string;
}

/** `[bundles]`: bundles of a server on this machine that the gateway serves below `/-/bundles`. */
export interface BundleSettings {
  /** The folder of the server's `[bundle_uri]`; none when empty. */
  readonly dir: string;
  /** The file that the server signs URLs with, its `secret_key_path`. */
  readonly secretKeyFile: string;
}

/** The gateway's configuration, `gateway.toml`. Empty means "not set". */
export interface GatewayConfig {
  /** Where smart HTTP is served, `host:port`; nowhere when empty. */
  readonly httpListenAddr: string;
  /** Where SSH is served, `host:port`; nowhere when empty. */
  readonly sshListenAddr: string;
  /** The folder of the SSH host keys, which the first start makes. Absolute, once loaded. */
  readonly hostKeyDir: string;
  /** The storage that the paths of URLs are looked up in. */
  readonly storage: string;
  /** Whether the first push to a path makes the repository. */
  readonly createOnPush: boolean;
  readonly server: ServerSettings;
  /** Who is admitted over HTTP; everybody when empty. */
  readonly tokens: readonly ClientToken[];
  /** Who is admitted over SSH, in the format of sshd(8); everybody when empty. */
  readonly authorizedKeys: readonly string[];
  /** A file with more authorized keys; it need not exist. */
  readonly authorizedKeysFile: string;
  /** Features of the server that clients get who fetch, such as `bundle_uri`. */
  readonly featureFlags: readonly string[];
  readonly bundles: BundleSettings;
  readonly logFormat: string;
  readonly logLevel: string;
}

const DEFAULTS: GatewayConfig = {
  httpListenAddr: "",
  sshListenAddr: "",
  hostKeyDir: "ssh",
  storage: "default",
  createOnPush: false,
  server: { address: "", token: "", tokenFile: "" },
  tokens: [],
  authorizedKeys: [],
  authorizedKeysFile: "",
  featureFlags: [],
  bundles: { dir: "", secretKeyFile: "" },
  logFormat: "text",
  logLevel: "info",
};

const SERVER_FIELDS: Fields<ServerSettings> = {
  address: text("address"),
  token: text("token"),
  tokenFile: text("token_file"),
};

const TOKEN_FIELDS: Fields<ClientToken> = { username: text("username"), token: text("token") };

const BUNDLE_FIELDS: Fields<BundleSettings> = {
  dir: text("dir"),
  secretKeyFile: text("secret_key_file"),
};

const FIELDS: Fields<GatewayConfig> = {
  httpListenAddr: text("http_listen_addr"),
  sshListenAddr: text("ssh_listen_addr"),
  hostKeyDir: text("host_key_dir"),
  storage: text("storage"),
  createOnPush: truth("create_on_push"),
  server: table("server", SERVER_FIELDS),
  tokens: tables("token", TOKEN_FIELDS, { username: "", token: "" }),
  authorizedKeys: texts("authorized_keys"),
  authorizedKeysFile: text("authorized_keys_file"),
  featureFlags: texts("feature_flags"),
  bundles: table("bundles", BUNDLE_FIELDS),
  logFormat: text("log_format"),
  logLevel: text("log_level"),
};

/** Settings that whoever starts the gateway knows better than the file. */
export interface ImposedSettings {
  readonly httpListenAddr: string;
  readonly sshListenAddr: string;
  readonly server: Pick<ServerSettings, "address">;
  readonly bundles?: BundleSettings;
}

/**
 * Loads `gateway.toml`. Relative paths are taken from the file's folder.
 *
 * Throws ConfigError; its message lists every problem with its key.
 */
export async function loadGatewayConfig(
  path: string,
  imposed?: ImposedSettings,
): Promise<GatewayConfig> {
  const written = decode(path, await readText(path));
  const config: GatewayConfig = {
    ...written,
    ...imposed,
    server: { ...written.server, ...imposed?.server },
  };
  const problems = findGatewayProblems(config).map(problemText);
  if (problems.length > 0) throw new ConfigError(`${path}: ${problems.join("; ")}`);
  const folder = dirname(path);
  const { server, bundles } = config;
  return {
    ...config,
    hostKeyDir: resolve(folder, config.hostKeyDir),
    server: { ...server, token: await tokenOf(server, folder) },
    bundles: {
      dir: bundles.dir && resolve(folder, bundles.dir),
      secretKeyFile: bundles.secretKeyFile && resolve(folder, bundles.secretKeyFile),
    },
    authorizedKeys: [...config.authorizedKeys, ...(await keysOf(config, folder))],
  };
}

/** Lists what keeps a gateway from being started with the configuration. */
export function findGatewayProblems(config: GatewayConfig): readonly Problem[] {
  const { httpListenAddr, sshListenAddr, server, tokens, bundles } = config;
  const listens = httpListenAddr !== "" || sshListenAddr !== "";
  const twoTokens = server.token !== "" && server.tokenFile !== "";
  return [
    ...at("http_listen_addr", listens ? undefined : "neither this nor ssh_listen_addr is set"),
    ...at("storage", unlessSet(config.storage)),
    ...under("server", at("address", unlessSet(server.address))),
    ...under("server", at("token_file", twoTokens ? "token is set as well" : undefined)),
    ...under(
      "bundles",
      at("secret_key_file", bundles.dir === "" ? undefined : unlessSet(bundles.secretKeyFile)),
    ),
    ...under(
      "token",
      each(tokens, ({ username, token }) => [
        ...at("username", unlessSet(username)),
        ...at("token", unlessSet(token)),
      ]),
    ),
  ];
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(systemErrorText(error));
  }
}

function decode(path: string, document: string): GatewayConfig {
  try {
    const value = parse(document, { integersAsBigInt: true });
    return decodeTable(FIELDS, { format: "toml", value, path: [] }, DEFAULTS);
  } catch (error) {
    if (!(error instanceof TomlError || error instanceof ConfigValueError)) throw error;
    throw new ConfigError(`${path}: ${error.message}`);
  }
}

async function tokenOf({ token, tokenFile }: ServerSettings, folder: string): Promise<string> {
  return tokenFile === "" ? token : (await readText(resolve(folder, tokenFile))).trim();
}

async function keysOf(config: GatewayConfig, folder: string): Promise<string[]> {
  if (config.authorizedKeysFile === "") return [];
  try {
    return (await readFile(resolve(folder, config.authorizedKeysFile), "utf8")).split("\n");
  } catch (error) {
    if (isMissing(error)) return [];
    throw new ConfigError(systemErrorText(error));
  }
}
