import { spawn } from "node:child_process";
import { once } from "node:events";
import { findTestGit } from "../../src/testing/git-repository.ts";

/** What a git command has come to. */
export interface GitResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitClientOptions {
  /** Configuration for every command, as `key=value`. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const SSH = [
  "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no",
  "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
].join(" ");

/** A person's git, with an environment of its own. */
export class GitClient {
  readonly #options: GitClientOptions;

  constructor(options: GitClientOptions = {}) {
    this.#options = options;
  }

  /** The same git in another folder, or with further options. */
  with(options: GitClientOptions): GitClient {
    const { config = [], env = {} } = this.#options;
    return new GitClient({
      ...this.#options,
      ...options,
      config: [...config, ...(options.config ?? [])],
      env: { ...env, ...options.env },
    });
  }

  /** Runs a command whatever becomes of it. */
  async attempt(...args: readonly string[]): Promise<GitResult> {
    const { config = [], cwd } = this.#options;
    const settings = config.flatMap((pair) => ["-c", pair]);
    const child = spawn(findTestGit(), [...settings, ...args], {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd !== undefined && { cwd }),
    });
    const output: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
    });
    const [status] = await once(child, "close");
    return { status: typeof status === "number" ? status : -1, ...output };
  }

  /** Runs a command that has to succeed; returns stdout without the last line feed. */
  async run(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.attempt(...args);
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${status}\n${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      GIT_SSH_COMMAND: SSH,
      GIT_AUTHOR_NAME: "A U Thor",
      GIT_AUTHOR_EMAIL: "author@example.com",
      GIT_COMMITTER_NAME: "C O Mitter",
      GIT_COMMITTER_EMAIL: "committer@example.com",
      ...this.#options.env,
    };
  }
}
