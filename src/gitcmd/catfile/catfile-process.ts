import { DomainError } from "../../base/error/domain-error.ts";
import { readSide } from "../../base/stream/read-side.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { type ObjectType, parseObjectType } from "../../git/object/object-type.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { GitExitError, type GitProcess } from "../git-runner.ts";
import { ByteReader } from "./byte-reader.ts";

/** What git says about an object before its content. */
export interface ObjectInfo {
  readonly oid: Oid;
  readonly type: ObjectType;
  /** Length of the content in bytes. */
  readonly size: number;
}

/** `contents` answers with the content after the info. */
export type CatfileRequest = "info" | "contents";

/** `git cat-file` gave an answer that describes no object, or ended in the middle of one. */
export class CatfileError extends DomainError {
  constructor(message: string) {
    super("internal", message);
  }
}

/** The revision is the beginning of several objects' ids. */
export class AmbiguousRevisionError extends CatfileError {}

const NUL = 0;

/** An object's id, type and size, or the words that say why there is none. */
const ANSWER_BYTES_MAX = 256;

/**
 * A running `git cat-file --batch-command -Z --buffer`.
 *
 * Requests are queued, sent by `flush`, and answered in their order: for each one `readInfo`, and
 * after a found object's `contents` request all of `readContent`. Whoever uses a process has it
 * alone; it may be handed on when it `isClean`.
 */
export class CatfileProcess {
  readonly #git: GitProcess;
  readonly #reader: ByteReader;
  readonly #unanswered: { readonly request: CatfileRequest; readonly bytes: number }[] = [];
  #queued: Buffer[] = [];
  #contentLeft = 0;
  #isBroken = false;

  constructor(git: GitProcess) {
    this.#git = git;
    this.#reader = new ByteReader(readSide(git.stdout));
    void git.exited.then(() => {
      this.#isBroken = true;
    });
  }

  /** Everything asked for was read to its end, and git runs. */
  get isClean(): boolean {
    return !this.#isBroken && this.#unanswered.length === 0 && this.#contentLeft === 0;
  }

  /** How many bytes of the current object's content are still to be read. */
  get contentLeft(): number {
    return Math.max(0, this.#contentLeft - 1);
  }

  /** Queues a request. The revision may hold any byte but NUL. */
  request(request: CatfileRequest, revision: Buffer): void {
    this.#queued.push(Buffer.from(`${request} `), revision, Buffer.alloc(1));
    this.#unanswered.push({ request, bytes: revision.length });
  }

  /** Sends what is queued, and has git answer all of it. */
  flush(): void {
    this.#git.stdin.write(Buffer.concat([...this.#queued, Buffer.from("flush\0")]));
    this.#queued = [];
  }

  /** The next request's answer; undefined when there is no such object. */
  async readInfo(): Promise<ObjectInfo | undefined> {
    const asked = this.#unanswered[0];
    if (asked === undefined || this.#contentLeft > 0) throw new Error("nothing was asked for");
    const line = await this.#reader.readThrough(NUL, ANSWER_BYTES_MAX + asked.bytes);
    if (line === undefined) throw await this.#failure();
    this.#unanswered.shift();
    const answer = line.toString("latin1");
    // A missing object's revision is repeated, and may look like anything.
    if (answer.endsWith(" missing")) return undefined;
    if (answer.endsWith(" ambiguous")) {
      throw new AmbiguousRevisionError(invalidLine(line));
    }
    const info = parseInfo(answer);
    // The commit of a submodule is an object of another repository.
    if (info === undefined && answer.endsWith(" submodule")) return undefined;
    if (info === undefined) {
      this.#isBroken = true;
      throw new CatfileError(invalidLine(line));
    }
    // One NUL follows the content.
    if (asked.request === "contents") this.#contentLeft = info.size + 1;
    return info;
  }

  /** The content of the object whose info was read last, in chunks as they come. */
  async *readContent(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#contentLeft > 1) {
      const bytes = await this.#reader.readSome(this.#contentLeft - 1);
      if (bytes === undefined) throw await this.#failure();
      this.#contentLeft -= bytes.length;
      // The reader may stop here for good, so the end is taken along with the last chunk.
      if (this.#contentLeft === 1) await this.#takeEnd();
      yield bytes;
    }
    if (this.#contentLeft === 1) await this.#takeEnd();
  }

  /** False once git has ended or said something odd. */
  get isUsable(): boolean {
    return !this.#isBroken;
  }

  /** Tells git to end; whoever reads from it fails. */
  kill(): void {
    this.#isBroken = true;
    this.#git.kill();
  }

  /** Ends git and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isBroken = true;
    await this.#git[Symbol.asyncDispose]();
  }

  async #takeEnd(): Promise<void> {
    const end = await this.#reader.readSome(1);
    if (end === undefined) throw await this.#failure();
    this.#contentLeft = 0;
  }

  /** Why git said nothing more. */
  async #failure(): Promise<Error> {
    this.#isBroken = true;
    this.#git.kill();
    const exit = await this.#git.exited;
    return exit.exitCode > 0
      ? new GitExitError(exit)
      : new CatfileError("git cat-file ended early");
  }
}

/** In the reference server's words. */
function invalidLine(line: Buffer): string {
  return `invalid info line: ${quoteText(line.toString())}`;
}

function parseInfo(answer: string): ObjectInfo | undefined {
  const [id = "", name = "", length = "", ...rest] = answer.split(" ");
  const [oid, type, size] = [parseOid(id), parseObjectType(name), Number(length)];
  const isValid = rest.length === 0 && /^\d+$/.test(length) && Number.isSafeInteger(size);
  return isValid && oid !== undefined && type !== undefined ? { oid, type, size } : undefined;
}
