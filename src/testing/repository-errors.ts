import assert from "node:assert/strict";
import { TEST_STORAGE, type TestAddress } from "./test-server.ts";

/** A call that fails in the end; its replies, if any, are of no interest. */
type RepositoryCall = (
  repository: TestAddress | undefined,
) => Promise<unknown> | AsyncIterable<unknown>;

const CASES: readonly [TestAddress | undefined, kind: string, message: string][] = [
  [undefined, "invalid-argument", "repository not set"],
  [{ storageName: "", relativePath: "a.git" }, "invalid-argument", "storage name not set"],
  [{ storageName: TEST_STORAGE, relativePath: "" }, "invalid-argument", "repository path not set"],
  [{ storageName: "other", relativePath: "a.git" }, "invalid-argument", "storage name not found"],
  [{ storageName: TEST_STORAGE, relativePath: "missing.git" }, "not-found", "repository not found"],
];

/** Asserts that a call refuses addresses of repositories that aren't there, before all else. */
export async function assertRepositoryErrors(call: RepositoryCall): Promise<void> {
  for (const [repository, kind, message] of CASES) {
    await assert.rejects(async () => settle(call(repository)), { kind, message });
  }
}

/** Receives all replies of a stream. */
export async function collect<Reply>(replies: AsyncIterable<Reply>): Promise<Reply[]> {
  const received: Reply[] = [];
  for await (const reply of replies) received.push(reply);
  return received;
}

async function settle(call: ReturnType<RepositoryCall>): Promise<void> {
  if (Symbol.asyncIterator in call) await collect(call);
  else await call;
}
