import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const OUTPUT_BYTES_MAX = 2 ** 30;

/** git on its own: makes repositories, and is what servers are compared with. */
export class PlainGit {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** What git prints, without the last newline. Throws when it fails. */
  text(args: readonly string[], input?: string | Uint8Array): string {
    return this.bytes(args, input).toString().replace(/\n$/, "");
  }

  lines(args: readonly string[], input?: string | Uint8Array): string[] {
    const text = this.text(args, input);
    return text === "" ? [] : text.split("\n");
  }

  bytes(args: readonly string[], input?: string | Uint8Array): Buffer {
    const { status, stdout, stderr, error } = spawnSync(this.path, [...args], {
      env: environment(),
      maxBuffer: OUTPUT_BYTES_MAX,
      ...(input === undefined ? {} : { input }),
    });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error(`git ${args.join(" ")} failed: ${stderr.toString()}`);
    return stdout;
  }

  /** Whether git succeeds. Objects that it makes are not kept in the repository at `path`. */
  succeeds(path: string, args: readonly string[]): boolean {
    const folder = mkdtempSync(join(tmpdir(), "bench-objects-"));
    try {
      const objects = join(path, "objects");
      const place = { GIT_OBJECT_DIRECTORY: folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects };
      const env = { ...environment(), ...place };
      const { status } = spawnSync(this.path, ["-C", path, ...args], { env, stdio: "ignore" });
      return status === 0;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Runs git with what `source` yields as its stdin. */
  async feed(args: readonly string[], source: Iterable<string | Uint8Array>): Promise<void> {
    const options: SpawnOptions = { env: environment(), stdio: ["pipe", "ignore", "inherit"] };
    const child = spawn(this.path, [...args], options);
    const exited = once(child, "exit");
    if (child.stdin === null) throw new Error("git has no stdin");
    await pipeline(Readable.from(source), child.stdin);
    const [code] = await exited;
    if (code !== 0) throw new Error(`git ${args.join(" ")} failed`);
  }
}

/** No configuration of the user's, and names where git asks for them. */
function environment(): NodeJS.ProcessEnv {
  const name = { GIT_AUTHOR_NAME: "Bench", GIT_COMMITTER_NAME: "Bench" };
  const mail = { GIT_AUTHOR_EMAIL: "bench@example.com", GIT_COMMITTER_EMAIL: "bench@example.com" };
  return {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    ...name,
    ...mail,
  };
}
