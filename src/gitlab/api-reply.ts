import type { Dispatcher } from "undici";
import { type output, type ZodType, z } from "zod";
import { jsonProblem } from "../base/text/json-problem.ts";
import { RateLimitedError } from "../hooks/access/access-check.ts";
import { ApiError } from "./api-error.ts";

/** More than GitLab ever has to say. */
const REPLY_BYTES_MAX = 16 * 1024 * 1024;

/** A text; left out or null it is empty. */
export const text: ZodType<string> = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

/** Left out or null it is false. */
export const flag: ZodType<boolean> = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** A reply that has arrived as a whole. */
export interface ApiReply {
  readonly status: number;
  /** Empty when there is none. */
  readonly contentType: string;
  readonly body: Buffer;
}

/** Reads a reply to its end. Throws an ApiError when it is too long. */
export async function readReply(response: Dispatcher.ResponseData): Promise<ApiReply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > REPLY_BYTES_MAX) throw new ApiError("Internal API reply is too large");
    chunks.push(chunk);
  }
  const contentType = response.headers["content-type"];
  return {
    status: response.statusCode,
    contentType: typeof contentType === "string" ? contentType : "",
    body: Buffer.concat(chunks),
  };
}

/** Throws what a reply says that is an error: an ApiError or a RateLimitedError. */
export function checkStatus({ status, body }: ApiReply): void {
  if (status >= 200 && status <= 399) return;
  if (status === 429) throw new RateLimitedError();
  throw new ApiError(errorText(body) ?? `Internal API error (${status})`);
}

/** Undefined when the error comes from something in between, which doesn't speak JSON. */
function errorText(body: Buffer): string | undefined {
  try {
    return parseBody(body, z.object({ message: text }), "").message;
  } catch {
    return undefined;
  }
}

/**
 * What a reply in JSON says; `endpoint` is the path for messages.
 *
 * Throws an ApiError when it isn't JSON or says something else.
 */
export function jsonReply<S extends ZodType>(
  { contentType, body }: ApiReply,
  endpoint: string,
  schema: S,
): output<S> {
  const { mediaType, problem } = parseMediaType(contentType);
  if (problem !== undefined || mediaType !== "application/json") {
    const prefix =
      endpoint === "/post_receive" && problem !== undefined ? "invalid" : "unsupported";
    throw new ApiError(
      `${endpoint} endpoint respond with ${prefix} content type: ${problem ?? mediaType}`,
    );
  }
  return parseBody(body, schema, `decoding response from ${endpoint} endpoint`);
}

/** Parses a body that has to be JSON whatever its type; `doing` begins the message of the error. */
export function parseBody<S extends ZodType>(body: Buffer, schema: S, doing: string): output<S> {
  const fields = parseJson(body, doing);
  const parsed = schema.safeParse(fields ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiError(`${doing}: unexpected ${issue?.path.join(".") || "value"}`, parsed.error);
}

function parseJson(body: Buffer, doing: string): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new ApiError(`${doing}: ${syntaxProblem(body.toString("latin1"))}`, cause);
  }
}

/** What Go says when it reads JSON from a stream that has more to come, for all it knows. */
function syntaxProblem(text: string): string {
  if (text.trim() === "") return "EOF";
  const problem = jsonProblem(text) ?? "invalid JSON";
  return problem === "unexpected end of JSON input" ? "unexpected EOF" : problem;
}

/** The type of a Content-Type, or what is wrong with it in the reference server's words. */
function parseMediaType(contentType: string): { mediaType: string; problem?: string } {
  const [base = ""] = contentType.split(";", 1);
  const parameters = contentType.slice(base.length);
  const mediaType = base.trim().toLowerCase();
  const [, type = "", rest = ""] = /^([!#-'*+\-.0-9A-Z^-z|~]*)(.*)$/s.exec(mediaType) ?? [];
  if (type === "") return { mediaType, problem: "mime: no media type" };
  if (rest === "") return { mediaType, ...parameterProblem(parameters) };
  if (!rest.startsWith("/"))
    return { mediaType, problem: "mime: expected slash after first token" };
  const [, subtype = "", end = ""] = /^\/([!#-'*+\-.0-9A-Z^-z|~]*)(.*)$/s.exec(rest) ?? [];
  if (subtype === "") return { mediaType, problem: "mime: expected token after slash" };
  if (end !== "") return { mediaType, problem: "mime: unexpected content after media subtype" };
  return { mediaType, ...parameterProblem(parameters) };
}

function parameterProblem(parameters: string): { problem?: string } {
  const isRight = /^(?:\s*;\s*[^\s;="]+\s*=\s*(?:[^\s;="]+|"(?:[^"\\]|\\.)*"))*\s*;?\s*$/.test(
    parameters,
  );
  return isRight ? {} : { problem: "mime: invalid media parameter" };
}
