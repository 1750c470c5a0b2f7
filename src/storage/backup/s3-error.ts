import { S3ServiceException } from "@aws-sdk/client-s3";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";

const MISSING: ReadonlySet<string> = new Set([
  "NoSuchBucket",
  "NoSuchKey",
  "NotFound",
  "ObjectNotInActiveTierError",
]);

const CODES: Readonly<Record<string, string>> = {
  PreconditionFailed: "FailedPrecondition",
  AccessDenied: "PermissionDenied",
  Forbidden: "PermissionDenied",
};

/** An object storage refused, or can't be reached; in the words of Go CDK. */
export class ObjectStorageError extends DomainError {
  constructor(operation: string, path: string, cause: unknown) {
    const blob = path === "" ? "blob" : `blob (key ${quoteText(path)})`;
    const reason = `operation error S3: ${operation}, ${reasonOf(cause)}`;
    super("unknown", `${blob} (code=${codeOf(cause)}): ${reason}`, { cause });
  }
}

/** Whether there is no such blob, or no such bucket. */
export function isMissingBlob(error: unknown): boolean {
  return error instanceof S3ServiceException && MISSING.has(error.name);
}

function codeOf(error: unknown): string {
  if (!(error instanceof S3ServiceException)) return "Unknown";
  return MISSING.has(error.name) ? "NotFound" : (CODES[error.name] ?? "Unknown");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof S3ServiceException)) return systemErrorText(error);
  const { httpStatusCode = 0, requestId = "", extendedRequestId = "" } = error.$metadata;
  const response = `StatusCode: ${httpStatusCode}, RequestID: ${requestId}, HostID: ${extendedRequestId}`;
  return `https response error ${response}, api error ${error.name}: ${error.message}`;
}
