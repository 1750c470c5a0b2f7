import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { CONFIG_DEFAULTS, type Config } from "../app/config/config.ts";
import { OperationService } from "../proto/operations_pb.ts";
import type { UserSchema } from "../proto/shared_pb.ts";
import type { Client } from "../rpc/client/client.ts";
import { type GitlabAnswer, startTestGitlab, type TestGitlab } from "./test-gitlab.ts";
import { type ServedRepository, startTestServer, type TestServer } from "./test-server.ts";

/** The user that operations are tested with. */
export const TEST_USER: MessageInitShape<typeof UserSchema> & { readonly glId: string } = {
  glId: "user-123",
  glUsername: "janedoe",
  name: Buffer.from("Jane Doe"),
  email: Buffer.from("janedoe@gitlab.com"),
  timezone: "Asia/Shanghai",
};

/** What GitLab's internal API answers, by the last part of the path; what isn't given allows. */
export interface GitlabAnswers {
  readonly allowed?: Answer;
  readonly pre_receive?: Answer;
  readonly post_receive?: Answer;
}

type Answer = GitlabAnswer | (() => Promise<GitlabAnswer>);

const ALLOWING: Readonly<Record<string, GitlabAnswer>> = {
  allowed: { body: '{"status":true}' },
  pre_receive: { body: '{"reference_counter_increased":true}' },
  post_receive: { body: '{"reference_counter_decreased":true}' },
};

/** A server whose changes are decided by a stand-in for GitLab. */
export interface OperationServer extends TestServer {
  readonly gitlab: TestGitlab;
  readonly operations: Client<typeof OperationService>;
  /** How requests name a repository for which hooks can be asked. */
  address(repository: ServedRepository): ServedRepository["address"] & { glRepository: string };
  /** What changes have left in the storage's temporary folder. */
  leftovers(): string[];
}

/** Starts a server for changes on behalf of users. */
export async function startOperationServer(
  t: TestContext,
  answers: GitlabAnswers = {},
  changes: Partial<Config> = {},
): Promise<OperationServer> {
  const all: Readonly<Record<string, Answer>> = { ...ALLOWING, ...answers };
  const gitlab = await startTestGitlab(t, ({ url = "" }) => {
    const answer = all[url.split("/").at(-1) ?? ""] ?? { status: 404 };
    return typeof answer === "function" ? answer() : answer;
  });
  const settings = { ...CONFIG_DEFAULTS.gitlab, url: `http://${gitlab.host}`, secret: "secret" };
  const server = await startTestServer(t, { gitlab: settings, ...changes });
  return {
    ...server,
    gitlab,
    operations: server.client(OperationService),
    address: ({ address }) => ({ ...address, glRepository: "project-1" }),
    leftovers: () => {
      const folder = join(server.storagePath, "+gitaly", "tmp");
      return existsSync(folder) ? readdirSync(folder) : [];
    },
  };
}

/** Starts a server that asks the GitLab at this address, and gives it a second to answer. */
export function startServerAsking(t: TestContext, url: string): Promise<TestServer> {
  const http = { ...CONFIG_DEFAULTS.gitlab.http, readTimeoutSeconds: 1 };
  return startTestServer(t, { gitlab: { ...CONFIG_DEFAULTS.gitlab, url, secret: "secret", http } });
}

/** What an error that a client got tells beside its code and message. */
export function errorDetail<S extends DescMessage>(error: unknown, schema: S): MessageShape<S> {
  assert(error instanceof Error && "details" in error && Array.isArray(error.details));
  const details: readonly Any[] = error.details;
  assert.equal(details.length, 1, `${details.length} details in: ${error.message}`);
  const [first] = details;
  assert(first !== undefined);
  const value = anyUnpack(first, schema);
  assert(value !== undefined, `a detail of type ${first.typeUrl}`);
  return value;
}

/** The error that a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail("the call has succeeded"),
    (error: unknown) => error,
  );
}
