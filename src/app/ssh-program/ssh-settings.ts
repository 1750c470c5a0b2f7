import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";

/** What the environment tells `gitaly-ssh`. */
export interface SshSettings {
  /** `GITALY_ADDRESS`: the server. */
  readonly address: string;
  /** `GITALY_TOKEN`: the server's token; empty when it wants none. */
  readonly token: string;
  /** `GITALY_PAYLOAD`: the call's request as JSON. */
  readonly payload: string;
  /** What goes along with the call: `GITALY_FEATUREFLAGS` and `CORRELATION_ID`. */
  readonly metadata: OutgoingMetadata;
}

/** The texts for which Go reads a boolean. */
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

/** Throws an Error when `GITALY_WD` names no folder, or when there is no address. */
export function readSshSettings(
  environment: Readonly<Record<string, string | undefined>>,
): SshSettings {
  const folder = workingFolder(environment["GITALY_WD"] ?? "");
  const address = environment["GITALY_ADDRESS"] ?? "";
  if (address === "") throw new Error("gitaly address can not be empty");
  return {
    address: within(folder, address),
    token: environment["GITALY_TOKEN"] ?? "",
    payload: environment["GITALY_PAYLOAD"] ?? "",
    metadata: {
      ...flags(environment["GITALY_FEATUREFLAGS"] ?? ""),
      "x-gitlab-correlation-id": environment["CORRELATION_ID"] || undefined,
    },
  };
}

/** Only the path of a socket depends on it. */
function workingFolder(path: string): string {
  if (path === "") return ".";
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new Error(`unable to chdir to ${path}`);
}

function within(folder: string, address: string): string {
  const [, path] = /^unix:(?!\/)(.+)$/.exec(address) ?? [];
  return path === undefined ? address : `unix:${resolve(folder, path)}`;
}

/** `name:true,other:false`; what is no flag is passed over. */
function flags(text: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const colon = pair.indexOf(":");
    const isEnabled = TRUTH.get(pair.slice(colon + 1));
    if (colon < 0 || isEnabled === undefined) continue;
    const name = pair.slice(0, colon).replaceAll("_", "-");
    metadata[`gitaly-feature-${name}`] = String(isEnabled);
  }
  return metadata;
}
