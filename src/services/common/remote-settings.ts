import type { ConfigPair } from "../../gitcmd/git-command.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { resolveRemote } from "./resolved-remote.ts";

/** What a request says of a repository elsewhere. */
export interface RequestedRemote {
  readonly url: string;
  readonly httpAuthorizationHeader: string;
  /** Empty when git shall look up the host's name. */
  readonly resolvedAddress: string;
}

/**
 * The settings by which git knows a remote as `name` for the time of one command.
 *
 * They hold secrets, so they belong into the environment, see `configEnvironment`: everybody can
 * read a process's arguments.
 */
export function remoteSettings(
  name: string,
  { url, httpAuthorizationHeader, resolvedAddress }: RequestedRemote,
): ConfigPair[] {
  const resolved = resolvedAddress === "" ? { url, config: [] } : pin(url, resolvedAddress);
  const settings = [...resolved.config, { key: `remote.${name}.url`, value: resolved.url }];
  if (httpAuthorizationHeader === "") return settings;
  const value = `Authorization: ${httpAuthorizationHeader}`;
  return [...settings, { key: `http.${url}.extraHeader`, value }];
}

function pin(url: string, address: string): ReturnType<typeof resolveRemote> {
  try {
    return resolveRemote(url, address);
  } catch (error) {
    throw wrapError("unknown", "couldn't get curloptResolve config", error);
  }
}

/** Settings as variables of a git process, where only its owner sees them. */
export function configEnvironment(settings: readonly ConfigPair[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, { key, value }] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
