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
import { z } from "zod";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { RepositoryAddress } from "../../storage/locator/repository-locator.ts";
import { ALL_HOOKS, type HookName } from "../context/hook-name.ts";
import type { HookTransaction, HookUser } from "../context/push-context.ts";
import { decodeBase64 } from "./base64-text.ts";

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

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const integer = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d{1,20}$/)])
  .nullish()
  .transform((value) => BigInt(value ?? 0));

const REPOSITORY = z.object({
  storageName: text,
  relativePath: text,
  gitObjectDirectory: text,
  gitAlternateObjectDirectories: z.array(z.string()).nullish(),
  glRepository: text,
  glProjectPath: text,
});

const PAYLOAD = z.object({
  requested_hooks: z.number().int().nonnegative().nullish(),
  feature_flags_with_value: z
    .array(z.object({ flag: z.object({ name: text }), enabled: z.boolean() }))
    .nullish(),
  repository: text,
  object_format: text,
  runtime_dir: text,
  internal_socket: text,
  internal_socket_token: text,
  transaction: z
    .object({ backchannel_id: integer, id: integer, node: text, primary: z.boolean().nullish() })
    .nullish(),
  user_details: z
    .object({ username: text, userid: text, protocol: text, remote_ip: text })
    .nullish(),
  gitaly_client_context: text,
});

/**
 * Finds the payload between the variables of an environment, as `NAME=value`.
 *
 * Throws a DomainError whose message may be shown to the one who pushes.
 */
export function hooksPayloadFromEnvironment(environment: readonly string[]): HooksPayload {
  const prefix = `${HOOKS_PAYLOAD_VARIABLE}=`;
  const variable = environment.find((candidate) => candidate.startsWith(prefix));
  if (variable === undefined) throw unreadable("no hooks payload found in environment");
  return parseHooksPayload(variable.slice(prefix.length));
}

/** Reads the variable's value. Throws a DomainError as `hooksPayloadFromEnvironment` does. */
export function parseHooksPayload(encoded: string): HooksPayload {
  const json = decodeBase64(encoded).toString();
  const fields = checked(PAYLOAD, quoteIntegers(json));
  const { transaction, user_details: user, requested_hooks: bits } = fields;
  return {
    requestedHooks: hooksOfBits(bits ?? 0),
    featureFlags: new Map(
      (fields.feature_flags_with_value ?? []).map(({ flag, enabled }) => [flag.name, enabled]),
    ),
    repository: parseRepository(fields.repository),
    objectFormat: fields.object_format,
    runtimeDirectory: fields.runtime_dir,
    internalSocket: fields.internal_socket,
    internalSocketToken: fields.internal_socket_token,
    transaction: transaction
      ? {
          id: transaction.id,
          node: transaction.node,
          primary: transaction.primary ?? false,
          backchannelId: transaction.backchannel_id,
        }
      : undefined,
    user: user
      ? {
          id: user.userid,
          username: user.username,
          protocol: user.protocol,
          remoteIp: user.remote_ip,
        }
      : undefined,
    clientContext:
      fields.gitaly_client_context === "" ? undefined : decodeBase64(fields.gitaly_client_context),
  };
}

/** The variable's value for a payload. */
export function encodeHooksPayload(payload: HooksPayload): string {
  const { transaction, user, clientContext } = payload;
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

function hooksOfBits(bits: number): ReadonlySet<HookName> {
  if (bits === 0) return ALL_HOOKS;
  return new Set(HOOK_BITS.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name));
}

function parseRepository(json: string): RepositoryAddress {
  const { gitAlternateObjectDirectories: alternates, ...fields } = checked(REPOSITORY, json);
  return { ...fields, gitAlternateObjectDirectories: alternates ?? [] };
}

/** A number of JSON has 53 bits, ids have 64. Within a string, a quote has a backslash before it. */
function quoteIntegers(json: string): string {
  return json.replaceAll(/([{,]"(?:backchannel_id|id)": ?)(\d+)/g, '$1"$2"');
}

function unquoteIntegers(json: string): string {
  return json.replaceAll(/([{,]"(?:backchannel_id|id)": ?)"(\d+)"/g, "$1$2");
}

function checked<S extends z.ZodType>(schema: S, json: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw unreadable(json === "" ? "unexpected end of JSON input" : "invalid JSON", cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = quoteText(issue?.path.join(".") ?? "");
  throw unreadable(`unexpected value of ${place}`, parsed.error);
}

function unreadable(reason: string, cause?: unknown): DomainError {
  return new DomainError("internal", reason, cause === undefined ? {} : { cause });
}
