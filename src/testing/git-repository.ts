import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ObjectFormat } from "../git/oid/oid.ts";

/** A bare repository in a temporary directory, made by real git. */
export interface TestRepository {
  readonly path: string;
  readonly format: ObjectFormat;
  /** Runs git in the repository and returns its standard output. Throws when git fails. */
  git(args: readonly string[], options?: TestGitOptions): Buffer;
  /** As `git`, for output that is one line: without the newline at its end. */
  gitLine(args: readonly string[], options?: TestGitOptions): string;
  /** As `git`, for any number of lines. */
  gitLines(args: readonly string[], options?: TestGitOptions): string[];
}

export interface TestGitOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

const OUTPUT_BYTES_MAX = 1024 ** 3;

/** The git that the product uses: from the environment, from the set-up's cache, or the PATH. */
export function findTestGit(): string {
  const configured = process.env["GITALY_TESTING_GIT_BINARY"];
  if (configured !== undefined && configured !== "") return configured;
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const built = join(cache, "gitaly-ts/git/current/bin/git");
  return existsSync(built) ? built : "git";
}

/**
 * Makes a temporary directory that is removed when the test ends, after `beforeRemoval` has ended
 * whatever may still write there.
 */
export function temporaryDirectory(t: TestContext, beforeRemoval?: () => Promise<void>): string {
  const path = mkdtempSync(join(tmpdir(), "gitaly-ts-test-"));
  t.after(async () => {
    await beforeRemoval?.();
    // Processes that a test has cut off may still be cleaning up.
    await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return path;
}

/** Makes an empty bare repository that is removed when the test ends. */
export function createTestRepository(
  t: TestContext,
  options: { readonly format?: ObjectFormat; readonly refFormat?: "files" | "reftable" } = {},
): TestRepository {
  const { format = "sha1", refFormat = "files" } = options;
  const path = join(temporaryDirectory(t), "repository.git");
  const flags = [`--object-format=${format}`, `--ref-format=${refFormat}`, "-b", "main"];
  runTestGit(["init", "--quiet", "--bare", ...flags, path], {});
  return openTestRepository(path, format);
}

/** Runs git in a repository that is there already. */
export function openTestRepository(path: string, format: ObjectFormat): TestRepository {
  const git: TestRepository["git"] = (args, options = {}) =>
    runTestGit(["-C", path, ...args], options);
  const text = (args: readonly string[], options?: TestGitOptions): string =>
    git(args, options).toString("utf8").replace(/\n$/, "");
  return {
    path,
    format,
    git,
    gitLine: text,
    gitLines: (args, options) => {
      const output = text(args, options);
      return output === "" ? [] : output.split("\n");
    },
  };
}

/** Runs git with an environment of its own: no user's or system's configuration, a fixed clock. */
export function runTestGit(args: readonly string[], options: TestGitOptions): Buffer {
  const result = spawnSync(findTestGit(), args, {
    env: { ...TEST_ENVIRONMENT, ...options.env },
    input: options.input ?? "",
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0) return result.stdout;
  throw new Error(`git ${args.join(" ")}: ${result.stderr.toString("utf8")}`);
}

const TEST_ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: "/nonexistent",
  LC_ALL: "C",
  TZ: "UTC",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A U Thor",
  GIT_AUTHOR_EMAIL: "author@example.com",
  GIT_AUTHOR_DATE: "1700000000 +0100",
  GIT_COMMITTER_NAME: "C O Mitter",
  GIT_COMMITTER_EMAIL: "committer@example.com",
  GIT_COMMITTER_DATE: "1700000000 +0000",
};
