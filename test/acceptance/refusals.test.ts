/** Each RPC is sent requests with one thing wrong: it answers what clients know. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { type DescMethod, isMessage, type Message } from "@bufbuild/protobuf";
import { RepositorySchema } from "../../src/proto/shared_pb.ts";
import { CallError } from "../../src/rpc/client/call-error.ts";
import { MethodCatalog } from "../../src/rpc/interceptor/request-info/method-catalog.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { type OperationServer, startOperationServer } from "../../src/testing/operation-server.ts";
import { makeCall } from "../drills/every-rpc.ts";
import { fillRepository, REQUESTED_METHODS, requestsOf } from "./plausible-requests.ts";
import { requestVariants } from "./request-variants.ts";

/**
 * For each RPC the answer to a request that could be accepted, `whole`, then which other answers
 * there are, each with the requests that get it: `kind: message`, or `ok`. Requests that aren't
 * named get the first answer.
 */
type Answers = Readonly<Record<string, readonly string[]>>;

const EXPECTED: Readonly<Record<string, Answers>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "refusals.json"), "utf8"),
);

const CALL_TIMEOUT_MS = 60_000;

/** What a repository that can't be used leads to, where nothing else is expected. */
const USUAL: readonly (readonly [RegExp, string])[] = [
  [/^no (?:header[.])?repository$/, "invalid-argument: repository not set"],
  [/^missing (?:header[.])?repository$/, "not-found: repository not found"],
  [/^outside (?:header[.])?repository$/, "invalid-argument: relative path escapes root directory"],
  [/^without a path in (?:header[.])?repository$/, "invalid-argument: repository path not set"],
  [
    /^of an unknown storage in (?:header[.])?repository$/,
    "invalid-argument: storage name not found",
  ],
  [/^without a storage in (?:header[.])?repository$/, "invalid-argument: storage name not set"],
];

/** What depends on whether a git process ends before or after all has been written to it. */
const BY_CHANCE: ReadonlySet<string> = new Set([
  "GetFileAttributes: an option as revision",
  "SSHReceivePack: no git_config_options",
]);

const CATALOG = new MethodCatalog();

/** A server with repositories that calls may change: then others take their place. */
class Stage {
  readonly server: OperationServer;
  readonly #templates: string;
  #count = 0;

  constructor(server: OperationServer, templates: string) {
    this.server = server;
    this.#templates = templates;
    this.renew();
  }

  /** The folder of the repositories that requests are about now, with a slash behind it. */
  get folder(): string {
    return `copy-${this.#count}/`;
  }

  renew(): void {
    this.#count++;
    const { storagePath } = this.server;
    cpSync(this.#templates, join(storagePath, this.folder), { recursive: true });
    rmSync(join(storagePath, "@pools"), { recursive: true, force: true });
  }

  /** Has the repositories of a request looked for where they are now. */
  relocate(value: unknown): void {
    if (isMessage(value, RepositorySchema) && /^\w+[.]git$/.test(value.relativePath)) {
      value.relativePath = this.folder + value.relativePath;
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
      for (const inner of Object.values(value)) this.relocate(inner);
    }
  }
}

async function setStage(t: TestContext): Promise<Stage> {
  const server = await startOperationServer(t);
  const templates = temporaryDirectory(t);
  for (const relativePath of ["drill.git", "empty.git"]) {
    const repository = server.repository({ relativePath });
    if (relativePath === "drill.git") fillRepository(repository);
    renameSync(repository.path, join(templates, relativePath));
  }
  return new Stage(server, templates);
}

/** `ok`, or the kind and the message of the refusal, but for what git says and where things are. */
async function answerTo(
  stage: Stage,
  method: DescMethod,
  messages: readonly Message[],
): Promise<string> {
  const { server, folder } = stage;
  stage.relocate(messages);
  try {
    await makeCall(server.channel, method, messages, { options: { timeoutMs: CALL_TIMEOUT_MS } });
    return "ok";
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const message = error.message
      .replaceAll(server.storagePath, "STORAGE")
      .replaceAll(folder, "")
      .replace(/(?:stderr: |fetch remote: )".*/s, "");
    return `${error.kind}: ${message}`;
  }
}

function expectedAnswer(answers: Answers, variant: string): string {
  for (const [answer, variants] of Object.entries(answers)) {
    if (variants.includes(variant)) return answer;
  }
  const usual = USUAL.find(([pattern]) => pattern.test(variant));
  return usual?.[1] ?? Object.keys(answers)[0] ?? "";
}

function nameOf({ parent, name }: DescMethod): string {
  return `${parent.name}.${name}`;
}

async function assertAnswers(stage: Stage, method: DescMethod): Promise<number> {
  const answers = EXPECTED[nameOf(method)];
  assert.ok(answers, `nothing is expected of ${method.name}`);
  const unseen = new Set(Object.values(answers).flat());
  const got: string[] = [];
  const expected: string[] = [];
  for (const { name, messages } of requestVariants(method, () => requestsOf(method))) {
    unseen.delete(name);
    if (BY_CHANCE.has(`${method.name}: ${name}`)) continue;
    const answer = await answerTo(stage, method, messages);
    got.push(`${name}: ${answer}`);
    expected.push(`${name}: ${expectedAnswer(answers, name)}`);
    if (CATALOG.get(method).operation !== "accessor" && !/^(?:in|not-)/.test(answer)) {
      stage.renew();
    }
  }
  assert.deepEqual(got, expected);
  assert.deepEqual([...unseen], [], "these requests are not made");
  return got.length;
}

suite("what is asked for wrongly is refused as clients know it", () => {
  const methods = new Map(REQUESTED_METHODS.map((method) => [nameOf(method), method]));

  test("each RPC is known, and no other", () => {
    assert.deepEqual([...methods.keys()].sort(), Object.keys(EXPECTED).sort());
  });

  for (const isRead of [true, false]) {
    test(isRead ? "by reads" : "by all others", async (t) => {
      const stage = await setStage(t);
      let count = 0;
      for (const [name, method] of methods) {
        if ((CATALOG.get(method).operation === "accessor") !== isRead) continue;
        await t.test(name, async () => {
          count += await assertAnswers(stage, method);
        });
      }
      t.diagnostic(`${count} requests`);
    });
  }
});
