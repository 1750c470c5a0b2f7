import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Asked {
  readonly revision?: string;
  readonly path?: string;
  readonly offset?: number;
  readonly limit?: number;
  readonly globalOptions?: { readonly literalPathspecs: boolean };
}

async function fixture(
  t: Parameters<typeof startTestServer>[0],
  format: "sha1" | "sha256" = "sha1",
) {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const replies = ({ revision = "main", path = "", limit = 25, ...rest }: Asked = {}) => {
    const request = { repository: repository.address, revision, path: bytesFromBinary(path) };
    return client.listLastCommitsForTree({ ...request, limit, ...rest });
  };
  const ask = async (asked: Asked = {}) => {
    const all = await collect(replies(asked));
    return all.flatMap(({ commits }) =>
      commits.map(({ pathBytes, commit }) => [
        Buffer.from(pathBytes).toString("latin1"),
        commit?.id,
      ]),
    );
  };
  return { client, repository, replies, ask };
}

function history(repository: ServedRepository): { readonly one: string; readonly two: string } {
  const module = { mode: "160000", content: "1".repeat(repository.format === "sha1" ? 40 : 64) };
  const files = { changed: "1", same: "1", "z/changed": "1", "z/same": "1", "z/y/x": "1", module };
  const one = changeFiles(repository, files);
  const two = changeFiles(repository, { changed: "2", "z/changed": "2" });
  return { one, two };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`listLastCommitsForTree shows folders of a ${format} repository`, async (t) => {
    const { repository, ask } = await fixture(t, format);
    const { one, two } = history(repository);
    const root = [
      ["z", two],
      ["changed", two],
      ["same", one],
      ["module", one],
    ];
    const folder = [
      ["z/y", one],
      ["z/changed", two],
      ["z/same", one],
    ];
    const cases: [Asked, unknown][] = [
      [{}, root],
      [{ path: "/" }, root],
      [{ path: "." }, root],
      [{ path: "./" }, root],
      [{ path: "z/" }, folder],
      [{ path: "./z//" }, folder],
      [{ path: "z" }, root.slice(0, 1)],
      [{ path: "z/y" }, folder.slice(0, 1)],
      [{ path: "module" }, root.slice(3)],
      [{ path: "missing" }, []],
      [{ path: "missing/" }, []],
      [{ path: "changed/" }, []],
      [{ revision: one, path: "z/changed" }, [["z/changed", one]]],
      [{ revision: "HEAD~", path: "changed" }, [["changed", one]]],
      [{ offset: 1, limit: 2 }, root.slice(1, 3)],
      [{ offset: 3 }, root.slice(3)],
      [{ offset: 4 }, []],
      [{ limit: 0 }, []],
    ];
    for (const [asked, expected] of cases) {
      assert.deepEqual(await ask(asked), expected, JSON.stringify(asked));
    }
  });
}

test("listLastCommitsForTree takes strange names", async (t) => {
  const { repository, ask } = await fixture(t);
  const one = changeFiles(repository, { "-test/file": "1", "b\xffc": "1" });
  const two = changeFiles(repository, { ":wq/file": "1" });
  assert.deepEqual(await ask({ path: "-test/" }), [["-test/file", one]]);
  assert.deepEqual(await ask({ path: "b\xffc" }), [["b\xffc", one]]);
  const globalOptions = { literalPathspecs: true };
  assert.deepEqual(await ask({ path: ":wq", globalOptions }), [[":wq", two]]);
  assert.deepEqual(await ask({ path: ":wq" }), []);
  assert.deepEqual(await ask({ globalOptions }), [
    ["-test", one],
    [":wq", two],
    ["b\xffc", one],
  ]);
  // As patterns names may mean something else.
  await assert.rejects(ask(), { kind: "internal", message: 'commit not resolved for ":wq"' });
  const three = changeFiles(repository, { "*": "1" });
  assert.deepEqual(await ask({ path: "*", globalOptions }), [["*", three]]);
  await assert.rejects(ask({ path: "*" }), { kind: "internal", message: "exit status 128" });
});

test("listLastCommitsForTree sends ten commits at a time", async (t) => {
  const { repository, replies } = await fixture(t);
  const files = Array.from({ length: 20 }, (_, index) => [`${index}`, ""]);
  changeFiles(repository, Object.fromEntries(files));
  const counts = async (limit: number): Promise<number[]> =>
    (await collect(replies({ limit }))).map(({ commits }) => commits.length);
  assert.deepEqual(await counts(12), [10, 2]);
  assert.deepEqual(await counts(25), [10, 10]);
});

test("listLastCommitsForTree refuses what is no commit", async (t) => {
  const { repository, ask } = await fixture(t);
  for (const revision of ["main", "a", "1".repeat(40)]) {
    await assert.rejects(ask({ revision }), { kind: "internal", message: "exit status 128" });
  }
  history(repository);
  for (const asked of [{}, { limit: 0 }]) {
    await assert.rejects(ask({ revision: "main^{tree}", ...asked }), {
      kind: "internal",
      message: "exit status 255",
    });
  }
});

test("listLastCommitsForTree refuses invalid requests", async (t) => {
  const { repository, client, ask } = await fixture(t);
  history(repository);
  const cases: [Asked, message: string][] = [
    [{ revision: "" }, "empty revision"],
    [{ revision: "--output=/meow" }, "revision can't start with '-'"],
    [{ offset: -1, limit: -1 }, "offset negative"],
    [{ limit: -1 }, "limit negative"],
  ];
  for (const [asked, message] of cases) {
    await assert.rejects(ask(asked), { kind: "invalid-argument", message });
  }
  await assert.rejects(ask({ path: "a\0" }), {
    kind: "internal",
    message: 'detected null byte in command argument "a\\x00"',
  });
  await assertRepositoryErrors((address) =>
    client.listLastCommitsForTree({ ...(address && { repository: address }) }),
  );
});

test("listLastCommitsForTree stops when the client does", async (t) => {
  const { repository, client } = await fixture(t);
  history(repository);
  const gone = new AbortController();
  gone.abort();
  const request = { repository: repository.address, revision: "main", limit: 9 };
  await assert.rejects(collect(client.listLastCommitsForTree(request, { signal: gone.signal })), {
    kind: "cancelled",
  });
});
