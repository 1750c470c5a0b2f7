import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DescService } from "@bufbuild/protobuf";
import { CONFIG_DEFAULTS, type Config } from "../app/config/config.ts";
import { startServer } from "../app/start-server.ts";
import { silentLogger } from "../base/log/logger.ts";
import type { ObjectFormat } from "../git/oid/oid.ts";
import type { Channel } from "../rpc/client/channel.ts";
import { dial } from "../rpc/client/channel.ts";
import { type Client, createClient } from "../rpc/client/client.ts";
import {
  openTestRepository,
  runTestGit,
  type TestRepository,
  temporaryDirectory,
} from "./git-repository.ts";

/** The name of the storage that test servers have. */
export const TEST_STORAGE = "default";

/** How a request names a repository of a test server. */
export interface TestAddress {
  readonly storageName: string;
  readonly relativePath: string;
}

/** A repository of a test server: run git in it, and put `address` into requests. */
export interface ServedRepository extends TestRepository {
  readonly address: TestAddress;
}

/** A server in this process that listens on a unix socket and has one empty storage. */
export interface TestServer {
  readonly socketPath: string;
  readonly storagePath: string;
  readonly channel: Channel;
  client<S extends DescService>(service: S): Client<S>;
  /** Makes an empty bare repository below the storage. */
  repository(options?: {
    readonly relativePath?: string;
    readonly format?: ObjectFormat;
    readonly refFormat?: "files" | "reftable";
  }): ServedRepository;
}

/** Starts a server that ends, with everything on disk, when the test does. */
export async function startTestServer(
  t: TestContext,
  changes: Partial<Config> = {},
): Promise<TestServer> {
  const closing: (() => Promise<void>)[] = [];
  const folder = temporaryDirectory(t, async () => {
    for (const close of closing) await close();
  });
  const storagePath = join(folder, "storage");
  const socketPath = join(folder, "gitaly.socket");
  const runtimeDir = join(folder, "run");
  mkdirSync(storagePath);
  mkdirSync(runtimeDir);
  const config: Config = {
    ...CONFIG_DEFAULTS,
    socketPath,
    runtimeDir,
    storages: [{ name: TEST_STORAGE, path: storagePath }],
    gracefulRestartTimeoutMs: 1000,
    timeout: { uploadPackNegotiationMs: 60_000, uploadArchiveNegotiationMs: 60_000 },
    ...changes,
  };
  const server = await startServer(config, {
    logger: silentLogger,
    environment: process.env,
    signal: t.signal,
  });
  const channel = dial(`unix:${socketPath}`);
  closing.push(async () => {
    await channel.close();
    await server.close();
  });
  let count = 0;
  return {
    socketPath,
    storagePath,
    channel,
    client: (service) => createClient(service, channel),
    repository: ({
      relativePath = `repository-${count++}.git`,
      format = "sha1",
      refFormat = "files",
    } = {}) => {
      const path = join(storagePath, relativePath);
      const flags = [`--object-format=${format}`, `--ref-format=${refFormat}`, "-b", "main"];
      runTestGit(["init", "--quiet", "--bare", ...flags, path], {});
      const address = { storageName: TEST_STORAGE, relativePath };
      return { ...openTestRepository(path, format), address };
    },
  };
}
