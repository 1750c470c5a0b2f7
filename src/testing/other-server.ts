import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ObjectFormat } from "../git/oid/oid.ts";
import { openTestRepository, runTestGit, temporaryDirectory } from "./git-repository.ts";
import { type ServedRepository, startTestServer, type TestServer } from "./test-server.ts";

/** The name of the storage that the other server has. */
export const OTHER_STORAGE = "other";

/** A second server of the same installation, with a storage of its own. */
export interface OtherServer {
  readonly server: TestServer;
  /** Makes an empty bare repository below the other storage. */
  repository(options?: {
    readonly format?: ObjectFormat;
    readonly refFormat?: "files" | "reftable";
  }): ServedRepository;
}

/** Starts a second server that ends with the test. */
export async function startOtherServer(t: TestContext): Promise<OtherServer> {
  const folder = temporaryDirectory(t);
  const storages = [{ name: OTHER_STORAGE, path: folder }];
  const server = await startTestServer(t, { storages });
  let count = 0;
  return {
    server: { ...server, storagePath: folder },
    repository: ({ format = "sha1", refFormat = "files" } = {}) => {
      const relativePath = `other-${count++}.git`;
      const path = join(folder, relativePath);
      const flags = [`--object-format=${format}`, `--ref-format=${refFormat}`, "-b", "main"];
      runTestGit(["init", "--quiet", "--bare", ...flags, path], {});
      const address = { storageName: OTHER_STORAGE, relativePath };
      return { ...openTestRepository(path, format), address };
    },
  };
}

/** What a caller tells of the servers of storages, as metadata. */
export function serversMetadata(
  servers: Readonly<Record<string, TestServer | string>>,
): Record<string, string> {
  const entries = Object.entries(servers).map(([name, server]) => [
    name,
    { address: typeof server === "string" ? server : `unix:${server.socketPath}`, token: "" },
  ]);
  const json = JSON.stringify(Object.fromEntries(entries));
  return { "gitaly-servers": Buffer.from(json).toString("base64") };
}
