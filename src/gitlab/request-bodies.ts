import { quoteText } from "../base/text/quote-text.ts";
import type { AccessRequest, PushReport } from "../hooks/access/access-check.ts";
import { ApiError } from "./api-error.ts";

/** The body of a request to `/allowed`; fields without a value are left out. */
export function allowedBody(request: AccessRequest): Readonly<Record<string, unknown>> {
  const { clientContext, pushOptions } = request;
  const fields = {
    action: "git-receive-pack",
    gl_repository: request.glRepository,
    project: request.repositoryPath.replaceAll("'", ""),
    changes: textOf(request.changes),
    protocol: request.protocol,
    relative_path: request.relativePath,
    env: quarantineVariables(request),
    ...userFields(request.userId),
    push_options: pushOptions.length === 0 ? "" : pushOptions,
    gitaly_client_context_bin: clientContext === undefined ? "" : base64(clientContext),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

/** The body of a request to `/post_receive`. */
export function postReceiveBody(report: PushReport): Readonly<Record<string, unknown>> {
  const { clientContext, pushOptions } = report;
  return {
    changes: textOf(report.changes),
    gitaly_client_context_bin: clientContext === undefined ? null : base64(clientContext),
    gl_repository: report.glRepository,
    identifier: report.userId,
    push_options: pushOptions.length === 0 ? null : pushOptions,
  };
}

/** JSON within JSON: GitLab hands it back to us with requests about the objects of the push. */
function quarantineVariables(request: AccessRequest): string {
  return JSON.stringify({
    GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE: request.alternateObjectDirectories ?? null,
    GIT_OBJECT_DIRECTORY_RELATIVE: request.objectDirectory,
  });
}

function userFields(userId: string): Readonly<Record<string, string>> {
  if (userId.startsWith("username-")) return { username: userId.slice("username-".length) };
  const [, kind, number = ""] = /^(key|user)-([0-9]+)$/.exec(userId) ?? [];
  if (kind === "key") return { key_id: number };
  if (kind === "user") return { user_id: number };
  throw new ApiError(`setting gl_id: gl_id=${quoteText(userId)} is invalid`);
}

/** GitLab reads UTF-8; in ref names, other bytes become the character that says so. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
