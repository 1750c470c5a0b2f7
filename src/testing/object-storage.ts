import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "./git-repository.ts";

/** A server of the S3 protocol that has one bucket. */
export interface ObjectStorage {
  /** Of the bucket, as the configuration has it. */
  readonly url: string;
  /** Where the blobs are in files. */
  readonly folder: string;
}

/** Why there is no server of the S3 protocol here; undefined when there is one. */
export const NO_OBJECT_STORAGE: string | undefined = existsSync(serverProgram())
  ? undefined
  : "the set-up could not fetch a server of the S3 protocol";

const BUCKET = "backups";
const STARTED = /Starting s3 server on \[(http:\/\/[^\]]+)\/\]/;

/** Starts a server that ends with the test. Its credentials become this process's own. */
export async function startObjectStorage(t: TestContext): Promise<ObjectStorage> {
  const root = temporaryDirectory(t);
  const folder = join(root, "buckets", BUCKET);
  mkdirSync(folder, { recursive: true });
  delete process.env["AWS_PROFILE"];
  process.env["AWS_ACCESS_KEY_ID"] = "test";
  process.env["AWS_SECRET_ACCESS_KEY"] = "not-a-secret";
  const child = spawn(
    serverProgram(),
    [
      ...["serve", "s3", "--config", "/dev/null", "--cache-dir", join(root, "cache")],
      ...["--addr", "127.0.0.1:0", "--auth-key", "test,not-a-secret", join(root, "buckets")],
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { HOME: root } },
  );
  t.after(() => end(child));
  const endpoint = await endpointOf(child);
  return { folder, url: `s3://${BUCKET}?region=test&endpoint=${endpoint}&use_path_style=true` };
}

function serverProgram(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "gitaly-ts/rclone/current/rclone");
}

async function endpointOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error("no standard error");
  const said: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    const endpoint = STARTED.exec(line)?.[1];
    if (endpoint === undefined) continue;
    child.stderr.resume();
    return endpoint;
  }
  throw new Error(`no server of the S3 protocol: ${said.join("\n")}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
