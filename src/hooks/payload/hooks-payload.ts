/*
 * GITALY_HOOKS_PAYLOAD: what a hook's process is told by the server that has started its git. Padded
 * base64 of a JSON object:
 *
 *   requested_hooks           bits, see HOOK_BITS; 0 stands for all
 *   feature_flags_with_value  [{ flag: { name, on_by_default }, enabled }]
 *   repository                the protocol's Repository message as JSON, in a string
 *   object_format             "sha1" or "sha256"
 *   runtime_dir, internal_socket, internal_socket_token
 *   transaction               { backchannel_id, id, node, primary } or null; 64-bit integers
 *   user_details              { username, userid, protocol, remote_ip } or null
 *   transaction_id            a 64-bit integer, 0 or left out without a transaction on disk
 *   gitaly_client_context     base64, or left out
 */
import { DomainError } from "../../base/error/domain-error.ts";
import type { RepositoryAddress } from "../../storage/locator/repository-locator.ts";
import { ALL_HOOKS, type HookName } from "../context/hook-name.ts";
import type { HookTransaction, HookUser } from "../context/push-context.ts";
import { decodeBase64 } from "./base64-text.ts";
import { JsonFields } from "./json-fields.ts";

/** The variable of a hook's environment that holds the payload. */
export const HOOKS_PAYLOAD_VARIABLE = "GITALY_HOOKS_PAYLOAD";

/** What a hook's process has to know to ask the server. */
export interface HooksPayload {
  readonly requestedHooks: ReadonlySet<HookName>;
  readonly featureFlags: ReadonlyMap<string, boolean>;
  readonly repository: RepositoryAddress;
  /** As it came: whoever needs it checks it. */
  readonly objectFormat: string;
  readonly runtimeDirectory: string;
  readonly internalSocket: string;
  /** Empty when the socket takes calls without one. */
  readonly internalSocketToken: string;
  readonly transaction: HookTransaction | undefined;
  /** The transaction on disk that git runs in; left out without one. */
  readonly diskTransactionId?: bigint | undefined;
  readonly user: HookUser | undefined;
  readonly clientContext: Uint8Array | undefined;
}

const HOOK_BITS: readonly (readonly [HookName, number])[] = [
  ["reference-transaction", 1],
  ["update", 2],
  ["pre-receive", 4],
  ["post-receive", 8],
  ["pack-objects", 16],
  ["proc-receive", 32],
];

/**
 * Finds the payload between the variables of an environment, as `NAME=value`.
 *
 * Throws a DomainError whose message may be shown to the one who pushes.
 */
export function hooksPayloadFromEnvironment(environment: readonly string[]): HooksPayload {
  const prefix = `${HOOKS_PAYLOAD_VARIABLE}=`;
  const variable = environment.find((candidate) => candidate.startsWith(prefix));
  if (variable === undefined) {
    throw new DomainError("internal", "no hooks payload found in environment");
  }
  return parseHooksPayload(variable.slice(prefix.length));
}

/** Reads the variable's value. Throws a DomainError as `hooksPayloadFromEnvironment` does. */
export function parseHooksPayload(encoded: string): HooksPayload {
  const json = decodeBase64(encoded).toString();
  const fields = JsonFields.parse(quoteIntegers(json));
  const clientContext = fields.text("gitaly_client_context");
  return {
    requestedHooks: hooksOfBits(fields.integer("requested_hooks")),
    featureFlags: new Map(
      fields
        .list("feature_flags_with_value")
        .map((flag) => [flag.object("flag")?.text("name") ?? "", flag.flag("enabled")]),
    ),
    repository: parseRepository(fields.text("repository")),
    objectFormat: fields.text("object_format"),
    runtimeDirectory: fields.text("runtime_dir"),
    internalSocket: fields.text("internal_socket"),
    internalSocketToken: fields.text("internal_socket_token"),
    transaction: parseTransaction(fields.object("transaction")),
    ...diskTransaction(fields.integer("transaction_id")),
    user: parseUser(fields.object("user_details")),
    clientContext: clientContext === "" ? undefined : decodeBase64(clientContext),
  };
}

function parseTransaction(fields: JsonFields | undefined): HookTransaction | undefined {
  return (
    fields && {
      id: fields.integer("id"),
      node: fields.text("node"),
      primary: fields.flag("primary"),
      backchannelId: fields.integer("backchannel_id"),
    }
  );
}

function diskTransaction(id: bigint): Pick<HooksPayload, "diskTransactionId"> {
  return id === 0n ? {} : { diskTransactionId: id };
}

function parseUser(fields: JsonFields | undefined): HookUser | undefined {
  return (
    fields && {
      id: fields.text("userid"),
      username: fields.text("username"),
      protocol: fields.text("protocol"),
      remoteIp: fields.text("remote_ip"),
    }
  );
}

/** The variable's value for a payload. */
export function encodeHooksPayload(payload: HooksPayload): string {
  const { transaction, user, clientContext, diskTransactionId } = payload;
  const bits = HOOK_BITS.filter(([name]) => payload.requestedHooks.has(name));
  const json = JSON.stringify({
    requested_hooks: bits.reduce((sum, [, bit]) => sum + bit, 0),
    feature_flags_with_value: [...payload.featureFlags].map(([name, enabled]) => ({
      flag: { name, on_by_default: false },
      enabled,
    })),
    object_format: payload.objectFormat,
    runtime_dir: payload.runtimeDirectory,
    internal_socket: payload.internalSocket,
    internal_socket_token: payload.internalSocketToken,
    transaction:
      transaction === undefined
        ? null
        : {
            backchannel_id: String(transaction.backchannelId),
            id: String(transaction.id),
            node: transaction.node,
            primary: transaction.primary,
          },
    ...(diskTransactionId !== undefined && { transaction_id: String(diskTransactionId) }),
    user_details:
      user === undefined
        ? null
        : {
            username: user.username,
            userid: user.id,
            protocol: user.protocol,
            remote_ip: user.remoteIp,
          },
    ...(clientContext !== undefined && {
      gitaly_client_context: Buffer.from(clientContext).toString("base64"),
    }),
    LogFields: null,
    repository: JSON.stringify(payload.repository),
  });
  return Buffer.from(unquoteIntegers(json)).toString("base64");
}

function hooksOfBits(bits: bigint): ReadonlySet<HookName> {
  if (bits === 0n) return ALL_HOOKS;
  const requested = HOOK_BITS.filter(([, bit]) => (bits & BigInt(bit)) !== 0n);
  return new Set(requested.map(([name]) => name));
}

function parseRepository(json: string): RepositoryAddress {
  const fields = JsonFields.parse(json);
  return {
    storageName: fields.text("storageName"),
    relativePath: fields.text("relativePath"),
    gitObjectDirectory: fields.text("gitObjectDirectory"),
    gitAlternateObjectDirectories: fields.texts("gitAlternateObjectDirectories"),
    glRepository: fields.text("glRepository"),
    glProjectPath: fields.text("glProjectPath"),
  };
}

/** A number of JSON has 53 bits, ids have 64. Within a string, a quote has a backslash before it. */
function quoteIntegers(json: string): string {
  return json.replaceAll(/([{,]"(?:backchannel_id|transaction_id|id)": ?)(\d+)/g, '$1"$2"');
}

function unquoteIntegers(json: string): string {
  return json.replaceAll(/([{,]"(?:backchannel_id|transaction_id|id)": ?)"(\d+)"/g, "$1$2");
}
