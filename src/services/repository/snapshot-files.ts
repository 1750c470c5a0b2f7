import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir, readFile, readlink } from "node:fs/promises";
import { isMissing } from "../../base/error/system-error-text.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { type AccountNames, accountNames } from "./account-names.ts";
import { isObjectFile } from "./object-file.ts";
import { type TarEntry, tarHeader, tarPadding } from "./tar-header.ts";

const READ_BYTES = 128 * 1024;

/** Everybody may read and write what is in the archive; whoever unpacks it has a umask. */
const FILE_MODE = 0o666;
const EXECUTE_MODE = 0o111;
const OWNER_EXECUTES = 0o100;

type Owner = Pick<TarEntry, "uid" | "gid" | "userName" | "groupName">;

/** Whom a file belongs to whose content isn't that on disk. */
const NOBODY: Owner = { uid: 0, gid: 0, userName: "", groupName: "" };

/** Writes parts of a directory as entries of a tar archive. Paths are binary strings. */
export class SnapshotFiles {
  readonly #root: string;
  readonly #signal: AbortSignal;
  readonly #withLinks: boolean;
  readonly #accounts: AccountNames = accountNames();
  /** Fills up the last block of the entry before, which is only done when another one follows. */
  #padding: Buffer = Buffer.alloc(0);

  /** @param withLinks whether symbolic links are part of directories. Default false. */
  constructor(root: string, signal: AbortSignal, withLinks = false) {
    this.#root = binaryFromText(root);
    this.#signal = signal;
    this.#withLinks = withLinks;
  }

  /** A file, if it exists; anything but a regular file is an error. */
  async *file(name: string): AsyncGenerator<Buffer, void, undefined> {
    const path = `${this.#root}/${name}`;
    const stats = await findStats(path);
    if (stats !== undefined) yield* this.#copy(path, name, stats);
  }

  /** A file with another content. */
  async *edited(
    name: string,
    edit: (content: Buffer) => Buffer,
  ): AsyncGenerator<Buffer, void, undefined> {
    const path = `${this.#root}/${name}`;
    const stats = await findStats(path);
    if (stats === undefined) return;
    if (!stats.isFile()) throw new Error(`unsupported mode for ${name}`);
    const content = edit(await readFile(bytesFromBinary(path)));
    yield this.#header(name, stats, { size: content.length, ...NOBODY });
    yield content;
    this.#padding = tarPadding(content.length);
  }

  /** A directory, if it exists, with all directories, regular files and maybe links below it. */
  async *directory(name: string): AsyncGenerator<Buffer, void, undefined> {
    const path = `${this.#root}/${name}`;
    const stats = await findStats(path);
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      yield this.#header(`${name}/`, stats, { size: 0 });
      this.#padding = tarPadding(0);
      for (const entry of await list(path)) yield* this.directory(`${name}/${entry}`);
    } else if (stats.isFile()) yield* this.#copy(path, name, stats);
    else if (stats.isSymbolicLink() && this.#withLinks) {
      const linkName = await readlink(bytesFromBinary(path), { encoding: "latin1" });
      yield this.#header(name, stats, { size: 0, linkName });
      this.#padding = tarPadding(0);
    }
  }

  /** The objects and packs below a directory; they come below `objects/`, wherever it is. */
  async *objects(directory: string): AsyncGenerator<Buffer, void, undefined> {
    const folders: string[] = [directory];
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      const below: string[] = [];
      for (const entry of await list(folder).catch(() => [])) {
        const path = `${folder}/${entry}`;
        const stats = await findStats(path);
        if (stats?.isDirectory() === true) below.push(path);
        if (stats?.isFile() !== true || !isObjectFile(path)) continue;
        yield* this.#copy(path, `objects${path.slice(directory.length)}`, stats);
      }
      folders.unshift(...below);
    }
  }

  async *#copy(path: string, name: string, stats: Stats): AsyncGenerator<Buffer, void, undefined> {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    await using file = await open(bytesFromBinary(path), flags);
    yield this.#header(name, stats, { size: stats.size });
    yield* this.#content(file, stats.size);
    this.#padding = tarPadding(stats.size);
  }

  async *#content(file: FileHandle, size: number): AsyncGenerator<Buffer, void, undefined> {
    // As many bytes as the header says, even when the file has grown meanwhile.
    for (let left = size; left > 0; ) {
      this.#signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(left, READ_BYTES));
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) throw new Error("EOF");
      yield buffer.subarray(0, bytesRead);
      left -= bytesRead;
    }
  }

  #header(
    name: string,
    { mode, mtimeMs, uid, gid }: Stats,
    fields: Pick<TarEntry, "size" | "linkName"> & Partial<Owner>,
  ): Buffer {
    const isExecutable = (mode & OWNER_EXECUTES) !== 0;
    const header = tarHeader({
      ...{ name, uid, gid },
      userName: this.#accounts.userName(uid),
      groupName: this.#accounts.groupName(gid),
      mtime: Math.round(mtimeMs / 1000),
      mode: (mode & 0o7777) | FILE_MODE | (isExecutable ? EXECUTE_MODE : 0),
      ...fields,
    });
    return Buffer.concat([this.#padding, header]);
  }

  /** What fills up the last entry, for whoever ends the archive. */
  end(): Buffer {
    return this.#padding;
  }
}

async function findStats(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(bytesFromBinary(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function list(folder: string): Promise<string[]> {
  const names = await readdir(bytesFromBinary(folder), { encoding: "latin1" });
  return names.sort();
}
