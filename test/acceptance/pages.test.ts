import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CommitService } from "../../src/proto/commit_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import { collect } from "../../src/testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../src/testing/test-server.ts";

interface PageRequest {
  readonly repository: ServedRepository["address"];
  readonly paginationParams?: { readonly pageToken: string; readonly limit: number };
}

interface Page {
  readonly items: readonly string[];
  /** Where the next page starts; empty at the end, undefined if that isn't told. */
  readonly cursor?: string | undefined;
}

type GetPage = (server: TestServer, request: PageRequest) => Promise<Page>;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Each RPC that has pages. Where no cursor is told, it is the last thing of the page before. */
const RPCS: Readonly<Record<string, GetPage>> = {
  listCommits: async (server, request) => {
    const replies = server.client(CommitService).listCommits({ ...request, revisions: ["main"] });
    const all = await collect(replies);
    const items = all.flatMap(({ commits }) => commits.map(({ id }) => id));
    const cursors = all.flatMap(({ paginationCursor }) => paginationCursor ?? []);
    return { items, cursor: cursors.at(-1)?.nextCursor ?? "" };
  },
  listAllCommits: async (server, request) => {
    const all = await collect(server.client(CommitService).listAllCommits(request));
    return { items: all.flatMap(({ commits }) => commits.map(({ id }) => id)) };
  },
  getTreeEntries: async (server, request) => {
    const what = { ...request, revision: Buffer.from("main"), path: Buffer.from(".") };
    const all = await collect(server.client(CommitService).getTreeEntries(what));
    const items = all.flatMap(({ entries }) => entries.map(({ path }) => text(path)));
    const cursors = all.flatMap(({ paginationCursor }) => paginationCursor ?? []);
    return { items, cursor: cursors.at(-1)?.nextCursor ?? "" };
  },
  findLocalBranches: async (server, request) => {
    const all = await collect(server.client(RefService).findLocalBranches(request));
    return { items: all.flatMap(({ localBranches }) => localBranches.map((b) => text(b.name))) };
  },
  findAllTags: async (server, request) => {
    const all = await collect(server.client(RefService).findAllTags(request));
    const items = all.flatMap(({ tags }) => tags.map(({ name }) => `refs/tags/${text(name)}`));
    return { items };
  },
  listRefs: async (server, request) => {
    const what = { ...request, patterns: [Buffer.from("refs/")] };
    const all = await collect(server.client(RefService).listRefs(what));
    const items = all.flatMap(({ references }) => references.map(({ name }) => text(name)));
    const cursors = all.flatMap(({ paginationCursor }) => paginationCursor ?? []);
    return { items, cursor: cursors.at(-1)?.nextCursor ?? "" };
  },
};

function fill(repository: ServedRepository): void {
  for (let count = 0; count < 7; count++) {
    const time = 1_700_000_000 + count;
    const commit = changeFiles(repository, { [`file-${count}`]: `${count}` }, { time });
    repository.git(["update-ref", `refs/heads/branch-${count}`, commit]);
    repository.git(["update-ref", `refs/tags/tag-${count}`, commit]);
  }
}

/** All pages of this size, put together. */
async function allPages(
  getPage: GetPage,
  server: TestServer,
  repository: ServedRepository,
  limit: number,
): Promise<string[]> {
  const items: string[] = [];
  for (let pageToken = ""; ; ) {
    const paginationParams = { pageToken, limit };
    const page = await getPage(server, { repository: repository.address, paginationParams });
    assert.ok(page.items.length <= limit, `${page.items.length} items on a page of ${limit}`);
    items.push(...page.items);
    pageToken = page.cursor ?? page.items.at(-1) ?? "";
    if (pageToken === "") return items;
    assert.ok(items.length <= 100, "there is no end of pages");
  }
}

suite("pages put together are the whole", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(`in ${format}`, async (t) => {
      const server = await startTestServer(t);
      const repository = server.repository({ format });
      fill(repository);
      for (const [name, getPage] of Object.entries(RPCS)) {
        const { items } = await getPage(server, { repository: repository.address });
        assert.ok(items.length >= 7, name);
        for (const limit of [1, 2, 3, items.length, 100]) {
          const pages = await allPages(getPage, server, repository, limit);
          assert.deepEqual(pages, items, `${name} in pages of ${limit}`);
        }
      }
    });
  }
});
