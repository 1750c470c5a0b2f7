import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../../base/file/read-if-there.ts";
import { settleObjects } from "../../git/object/held-objects.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { Base64Decoder } from "./base64-decoder.ts";
import { refuseNul } from "./git-failure.ts";
import type { Operation } from "./operation.ts";

/** Content up to this size stays in memory until it is written. */
const MEMORY_BYTES_MAX = 512 * 1024;

/** The content of one file, as it comes in. */
export interface IncomingFile {
  /** Takes a piece of the content. */
  add(piece: Uint8Array): Promise<void>;
  /** Writes the content as an object. Nothing may be added afterwards. */
  finish(): Promise<Oid>;
  /** Drops the content instead. */
  drop(): Promise<void>;
}

/** Writes the content of files into a quarantine: one after the other, never two at a time. */
export class FileWriter {
  readonly #git: GitRunner;
  readonly #operation: Operation;
  /** The rules that a repository has for the content of files, a binary string. */
  readonly #attributes: string | undefined;

  constructor(git: GitRunner, operation: Operation) {
    this.#git = git;
    this.#operation = operation;
    const { path } = operation.repository.located;
    this.#attributes = readIfThere(join(path, "info", "attributes"))?.toString("latin1");
  }

  /**
   * Begins a file.
   *
   * @param path where the file will be, a binary string: the repository may have rules for it
   */
  begin(path: string, { isBase64 }: { readonly isBase64: boolean }): IncomingFile {
    const decoder = isBase64 ? new Base64Decoder() : undefined;
    const content = new HeldContent(this.#operation.quarantine.directory);
    return {
      add: (piece) =>
        content.add(decoder === undefined ? piece : decoded(() => decoder.decode(piece))),
      finish: async () => {
        try {
          checkPath(path);
          if (decoder !== undefined) await content.add(decoded(() => decoder.end()));
          return await this.#write(content, path);
        } finally {
          await content.drop();
        }
      },
      drop: () => content.drop(),
    };
  }

  /** Writes a file without content, see `begin`. */
  async writeEmpty(path: string): Promise<Oid> {
    return this.begin(path, { isBase64: false }).finish();
  }

  async #write(content: HeldContent, path: string): Promise<Oid> {
    // What rules do to content is git's knowledge; hardly any repository has them.
    if (this.#attributes !== undefined) return this.#askGit(content, path, this.#attributes);
    const { objects } = this.#operation.quarantine;
    const { held } = content;
    if (held !== undefined) return objects.write("blob", held);
    return objects.writeStream("blob", content.size, content.read());
  }

  async #askGit(content: HeldContent, path: string, attributes: string): Promise<Oid> {
    const { quarantine, options } = this.#operation;
    const flags = ["--stdin", "-w", ["--path", textFromBinary(path)]] as const;
    const stdin = content.held ?? content.read();
    const command = { name: "hash-object", flags, config: withoutFilters(attributes) } as const;
    try {
      const { stdout } = await this.#git.run(quarantine.repository, command, { ...options, stdin });
      const oid = parseOid(stdout.toString("latin1").trim());
      if (oid !== undefined) return oid;
      throw new RpcError("unknown", "reading blob object ID: invalid object ID");
    } catch (error) {
      if (!(error instanceof GitExitError)) throw error;
      const message = `writing blob failed with error code ${error.exitCode}`;
      throw new RpcError("unknown", message, { cause: error });
    }
  }
}

/** Filters are programs, which the repository's configuration names: none of them is run. */
function withoutFilters(attributes: string): ConfigPair[] {
  const names = new Set([...attributes.matchAll(/filter=([^\s"]+)/g)].map(([, name = ""]) => name));
  return [...names].flatMap((name) => [
    { key: `filter.${name}.process`, value: "" },
    { key: `filter.${name}.clean`, value: "" },
    { key: `filter.${name}.required`, value: "false" },
  ]);
}

function decoded(decode: () => Buffer): Buffer {
  try {
    return decode();
  } catch (error) {
    throw wrapError("unknown", "writing blob", error);
  }
}

function checkPath(path: string): void {
  try {
    refuseNul(path);
  } catch (error) {
    throw wrapError("unknown", "executing hash-object", error);
  }
}

/** Content in memory while it is small, in a file otherwise. */
class HeldContent {
  readonly #directory: string;
  #pieces: Uint8Array[] = [];
  #file: FileHandle | undefined;
  size = 0;

  /** @param directory the object directory that the content goes to */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get #path(): string {
    return join(this.#directory, "incoming");
  }

  async add(piece: Uint8Array): Promise<void> {
    this.size += piece.length;
    this.#pieces.push(piece);
    if (this.size <= MEMORY_BYTES_MAX) return;
    await this.#flush(await this.#toFile());
  }

  /** All of it; undefined when it isn't in memory. */
  get held(): Buffer | undefined {
    return this.#file === undefined ? Buffer.concat(this.#pieces) : undefined;
  }

  read(): AsyncIterable<Buffer> {
    return createReadStream(this.#path);
  }

  async drop(): Promise<void> {
    this.#pieces = [];
    if (this.#file === undefined) return;
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #toFile(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    settleObjects(this.#directory);
    this.#file = await open(this.#path, "wx", 0o600);
    return this.#file;
  }

  async #flush(file: FileHandle): Promise<void> {
    const data = Buffer.concat(this.#pieces);
    this.#pieces = [];
    for (let start = 0; start < data.length; ) {
      const { bytesWritten } = await file.write(data, start);
      start += bytesWritten;
    }
  }
}
