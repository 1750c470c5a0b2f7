import assert from "node:assert";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";
import { zeroOid } from "../../git/oid/oid.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../gitcmd/git-runner.ts";
import { parseUpdateFailure, type RefStorage } from "./parse-update-failure.ts";
import type { RefTransaction, RefTransactionOptions } from "./ref-transaction.ts";

/** Starts to change references of one repository with a git process of its own. */
export async function startGitRefTransaction(
  git: GitRunner,
  repository: GitDirectory,
  { signal, usage, objectFormat, noDeref = false, hooks = "disabled" }: RefTransactionOptions,
): Promise<RefTransaction> {
  const flags = ["-z", "--stdin", ...(noDeref ? ["--no-deref"] : [])];
  const process = await git.start(
    repository,
    { name: "update-ref", flags },
    { signal, ...(usage && { usage }), hooks, stdin: "pipe", stderr: "stream" },
  );
  return new GitRefTransaction(process, repository.path, { objectFormat, signal });
}

/** Characters of commands that are collected before they are written to git. */
const QUEUED_LENGTH_MAX = 64 * 1024;

/** Bytes of git's stderr beyond which nothing is kept. */
const STDERR_LENGTH_MAX = 64 * 1024;

const DONE: Promise<void> = Promise.resolve();

type State = "open" | "prepared" | "ended";

/** A transaction in a `git update-ref --stdin` process; closing the stdin of that aborts it. */
class GitRefTransaction implements RefTransaction {
  readonly #process: GitProcess;
  /** Path of the repository. */
  readonly #directory: string;
  readonly #signal: AbortSignal;
  readonly #zero: Oid;
  readonly #answers: AsyncIterator<Buffer>;
  readonly #stderr: Promise<string>;
  #state: State = "open";
  #queued = "start\0";
  /** What git answers to all that was written, when all is well. */
  #awaited = "start: ok\n";
  #failure: { readonly error: unknown } | undefined;

  constructor(
    process: GitProcess,
    directory: string,
    { objectFormat, signal }: { readonly objectFormat: ObjectFormat; readonly signal: AbortSignal },
  ) {
    this.#process = process;
    this.#directory = directory;
    this.#signal = signal;
    this.#zero = zeroOid(objectFormat);
    // An abort destroys the stream, maybe while nobody reads it.
    process.stdout.on("error", () => undefined);
    this.#answers = process.stdout[Symbol.asyncIterator]();
    this.#stderr = readStart(process.stderr);
  }

  update(name: string, newOid: Oid, oldOid?: Oid): Promise<void> {
    return this.#queue("update", [name, newOid, oldOid ?? ""]);
  }

  create(name: string, oid: Oid): Promise<void> {
    return this.update(name, oid, this.#zero);
  }

  delete(name: string, oldOid?: Oid): Promise<void> {
    return this.update(name, this.#zero, oldOid);
  }

  verify(name: string, oid: Oid): Promise<void> {
    return this.#queue("verify", [name, oid]);
  }

  updateSymbolic(name: string, target: string): Promise<void> {
    // The two empty arguments could say what the reference has to be before.
    return this.#queue("symref-update", [name, target, "", ""]);
  }

  /** Git checks when it prepares. */
  check(): Promise<void> {
    return this.#failure === undefined ? DONE : this.#fail();
  }

  async prepare(): Promise<void> {
    await this.#enter("prepare", ["open"], "prepared");
  }

  async commit(): Promise<void> {
    await this.#enter("commit", ["open", "prepared"], "ended");
    this.#process.stdin.end();
    await this.#process.wait();
  }

  async abort(): Promise<void> {
    this.#state = "ended";
    this.#process.stdin.end();
    await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
    await this.#process[Symbol.asyncDispose]();
  }

  #queue(command: string, args: readonly string[]): Promise<void> {
    if (this.#failure !== undefined) return this.#fail();
    assert(this.#state === "open", `a change comes too late: the transaction is ${this.#state}`);
    for (const arg of args) assert(!arg.includes("\0"), "an argument contains NUL");
    this.#queued += `${command} ${args.join("\0")}\0`;
    return this.#queued.length < QUEUED_LENGTH_MAX ? DONE : this.#write();
  }

  async #enter(command: string, from: readonly State[], to: State): Promise<void> {
    if (this.#failure !== undefined) await this.#fail();
    assert(from.includes(this.#state), `no ${command}: the transaction is ${this.#state}`);
    this.#state = to;
    this.#queued += `${command}\0`;
    this.#awaited += `${command}: ok\n`;
    await this.#write();
    if ((await this.#readAnswer(this.#awaited.length)) !== this.#awaited) await this.#fail();
    this.#awaited = "";
  }

  async #write(): Promise<void> {
    const { stdin } = this.#process;
    // Git may live a little longer than the signal; it must not be told to go on.
    if (this.#signal.aborted) await this.#fail();
    const chunk = bytesFromBinary(this.#queued);
    this.#queued = "";
    if (!stdin.destroyed && !stdin.write(chunk)) await drainedOrClosed(stdin);
    if (stdin.destroyed) await this.#fail();
  }

  async #readAnswer(length: number): Promise<string> {
    let answer = "";
    try {
      while (answer.length < length) {
        const { done, value } = await this.#answers.next();
        if (done === true) break;
        answer += value.toString("latin1");
      }
    } catch {
      // An abort; what the process ends with tells more.
    }
    return answer;
  }

  /** Throws what the transaction failed of; to know it takes git's end. */
  async #fail(): Promise<never> {
    this.#failure ??= { error: await this.#findFailure() };
    throw this.#failure.error;
  }

  async #findFailure(): Promise<unknown> {
    this.#process.stdin.end();
    const exit = await this.#process.exited;
    const stderr = await this.#stderr;
    if (this.#signal.aborted) return this.#signal.reason;
    const failure = parseUpdateFailure(stderr, refStorageOf(this.#directory));
    return failure ?? new GitExitError({ ...exit, stderr: textFromBinary(stderr) });
  }
}

function refStorageOf(directory: string): RefStorage {
  return existsSync(`${directory}/reftable`) ? "reftable" : "files";
}

/** Reads a stream to its end and keeps the start as a binary string. */
async function readStart(stream: Readable): Promise<string> {
  let start = "";
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (start.length < STDERR_LENGTH_MAX) start += chunk.toString("latin1");
    }
  } catch {
    // An abort.
  }
  return start;
}

async function drainedOrClosed(stream: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("drain", resolve).once("close", resolve);
  await promise;
  stream.off("drain", resolve).off("close", resolve);
}
