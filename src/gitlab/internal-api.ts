import { z } from "zod";
import type {
  AccessAnswer,
  AccessCaller,
  AccessCheck,
  AccessRequest,
  PushReport,
  PushReportAnswer,
} from "../hooks/access/access-check.ts";
import { ApiError, apiError } from "./api-error.ts";
import { flag, jsonReply, parseBody, text } from "./api-reply.ts";
import { ApiRequests, type ApiRequestsOptions } from "./api-requests.ts";
import { allowedBody, postReceiveBody } from "./request-bodies.ts";

/** What GitLab says of itself. */
export interface ApiInfo {
  readonly version: string;
  readonly revision: string;
  readonly apiVersion: string;
  readonly isRedisReachable: boolean;
}

const ALLOWED = z.object({ status: flag, message: text });
const PRE_RECEIVE = z.object({ reference_counter_increased: flag });
const POST_RECEIVE = z.object({
  reference_counter_decreased: flag,
  messages: z.array(z.object({ type: text, message: text })).nullish(),
});
const POOL_MEMBERS = z.record(
  z.string(),
  z
    .array(z.object({ relative_path: text, public: flag }))
    .nullish()
    .transform((members) => members ?? []),
);
const CHECK = z.object({
  gitlab_version: text,
  gitlab_revision: text,
  api_version: text,
  redis: flag,
});

/** A repository that borrows from an object pool. */
export interface ApiPoolMember {
  readonly relativePath: string;
  readonly isPublic: boolean;
}

/**
 * GitLab, asked over its internal API. Closing it closes its connections.
 *
 * Errors are ApiErrors, or a RateLimitedError; an aborted signal rejects with its reason.
 */
export class InternalApi implements AccessCheck, AsyncDisposable {
  readonly grantsAll = false;
  readonly #requests: ApiRequests;

  /** Reads the secret and certificates. Throws an ApiError when the settings can't be used. */
  constructor(options: ApiRequestsOptions) {
    this.#requests = new ApiRequests(options);
  }

  async allowed(request: AccessRequest, caller: AccessCaller): Promise<AccessAnswer> {
    const reply = await this.#requests.post(
      { endpoint: "/allowed", metric: "allowed", body: allowedBody(request) },
      caller,
    );
    if (reply.status !== 200 && reply.status !== 300) {
      throw new ApiError(`gitlab api is not accessible: ${reply.status}`);
    }
    const { status, message } = jsonReply(reply, "/allowed", ALLOWED);
    return { allowed: status, message };
  }

  async preReceive(glRepository: string, caller: AccessCaller): Promise<boolean> {
    const body = { gl_repository: glRepository };
    const reply = await this.#requests
      .post({ endpoint: "/pre_receive", metric: "pre-receive", body }, caller)
      .catch(postFailed("/pre_receive", caller));
    if (reply.status !== 200) {
      throw new ApiError(`pre-receive call failed with status: ${reply.status}`);
    }
    return jsonReply(reply, "/pre_receive", PRE_RECEIVE).reference_counter_increased;
  }

  async postReceive(report: PushReport, caller: AccessCaller): Promise<PushReportAnswer> {
    const body = postReceiveBody(report);
    const reply = await this.#requests
      .post({ endpoint: "/post_receive", metric: "post-receive", body }, caller)
      .catch(postFailed("/post_receive", caller));
    if (reply.status !== 200) {
      throw new ApiError(`post-receive call failed with status: ${reply.status}`);
    }
    const fields = jsonReply(reply, "/post_receive", POST_RECEIVE);
    return {
      referenceCounterDecreased: fields.reference_counter_decreased,
      messages: fields.messages ?? [],
    };
  }

  /** Finds the repositories that object pools were made from, by the pools' paths. */
  async poolUpstreams(
    pools: { readonly diskPaths: readonly string[]; readonly storageName: string },
    caller: AccessCaller,
  ): Promise<ReadonlyMap<string, readonly ApiPoolMember[]>> {
    const query = new URLSearchParams(pools.diskPaths.map((path) => ["disk_paths[]", path]));
    query.set("storage", pools.storageName);
    query.set("upstream_only", "true");
    const reply = await this.#requests
      .get({ endpoint: `/gitaly/object_pool_members?${query.toString()}` }, caller)
      .catch((error: unknown) => {
        caller.signal.throwIfAborted();
        throw apiError("get", error);
      });
    if (reply.status !== 200) throw new ApiError(`get: ${reply.status}`);
    const members = parseBody(reply.body, POOL_MEMBERS, "decode response body");
    return new Map(
      Object.entries(members).map(([path, found]) => [
        path,
        found.map((member) => ({
          relativePath: member.relative_path,
          isPublic: member.public,
        })),
      ]),
    );
  }

  /** Asks GitLab how it is; succeeds only when the secret is right. */
  async check(caller: AccessCaller): Promise<ApiInfo> {
    const reply = await this.#requests
      .get({ endpoint: "/check", metric: "check" }, caller)
      .catch((error: unknown) => {
        caller.signal.throwIfAborted();
        throw apiError("HTTP GET to GitLab endpoint /check failed", error);
      });
    if (reply.status !== 200) {
      throw new ApiError(`Check HTTP request failed with status: ${reply.status}`);
    }
    const doing = "failed to decode response from /check endpoint";
    const fields = parseBody(reply.body, CHECK, doing);
    return {
      version: fields.gitlab_version,
      revision: fields.gitlab_revision,
      apiVersion: fields.api_version,
      isRedisReachable: fields.redis,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#requests.close();
  }
}

function postFailed(endpoint: string, { signal }: AccessCaller): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    throw apiError(`http post to gitlab api ${endpoint} endpoint`, error);
  };
}
