import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { type Client, createClient } from "../../src/rpc/client/client.ts";
import type { Forge } from "../acceptance/forge.ts";

/** The repository that is backed up. */
const REPOSITORY = { storageName: "default", relativePath: "drill.git" } as const;

const PROGRAM = fileURLToPath(new URL("../../bin/gitaly-backup", import.meta.url));

/** One way to make backups. What fails rejects. */
export interface BackupTool {
  /** Where the backups are kept. */
  readonly folder: string;
  create(backupId: string, incremental: boolean): Promise<void>;
  /** Restores a backup, or the latest one without a name, into a new repository. */
  restore(backupId: string, relativePath: string): Promise<void>;
  /**
   * The backup that is restored as the latest one, if that isn't simply the last that is complete:
   * the program takes what the last run made that was complete for all repositories.
   */
  latestRun(): string | undefined;
  /** Kills what makes a backup; afterwards the next one can be made. */
  kill(): Promise<void>;
}

/** The server backs up its repositories by itself. */
export class ServerBackups implements BackupTool {
  readonly folder: string;
  readonly #forge: Forge;

  constructor(forge: Forge) {
    this.#forge = forge;
    this.folder = join(forge.folder, "backups");
  }

  async create(backupId: string, incremental: boolean): Promise<void> {
    const names = { repository: REPOSITORY, vanityRepository: REPOSITORY };
    await this.#call((client) => client.backupRepository({ ...names, backupId, incremental }));
  }

  async restore(backupId: string, relativePath: string): Promise<void> {
    const repository = { ...REPOSITORY, relativePath };
    const names = { repository, vanityRepository: REPOSITORY };
    await this.#call((client) => client.restoreRepository({ ...names, backupId }));
  }

  latestRun(): undefined {
    return undefined;
  }

  async kill(): Promise<void> {
    await this.#forge.kill();
    await this.#forge.start();
  }

  async #call(ask: (client: Client<typeof RepositoryService>) => Promise<unknown>): Promise<void> {
    await using channel = dial(this.#forge.grpcAddress);
    await ask(createClient(RepositoryService, channel));
  }
}

/** The program gitaly-backup asks the server for everything and stores it in a folder of its own. */
export class ProgramBackups implements BackupTool {
  readonly folder: string;
  readonly #forge: Forge;
  #running: ChildProcess | undefined;

  constructor(forge: Forge, folder: string) {
    this.#forge = forge;
    this.folder = folder;
  }

  async create(backupId: string, incremental: boolean): Promise<void> {
    const flags = [`-id=${backupId}`, ...(incremental ? ["-incremental"] : [])];
    await this.#run("create", flags, REPOSITORY.relativePath);
  }

  async restore(backupId: string, relativePath: string): Promise<void> {
    // The program restores a repository by the name that it was backed up by.
    const manifests = join(this.folder, "manifests", REPOSITORY.storageName);
    cpSync(join(manifests, REPOSITORY.relativePath), join(manifests, relativePath), {
      recursive: true,
      preserveTimestamps: true,
    });
    await this.#run("restore", backupId === "" ? [] : [`-id=${backupId}`], relativePath);
  }

  latestRun(): string | undefined {
    const folder = join(this.folder, "backup_ids");
    const age = (id: string): number => statSync(join(folder, id)).mtimeMs;
    return readdirSync(folder)
      .filter((name) => !name.endsWith(".tmp"))
      .toSorted((one, other) => age(one) - age(other))
      .at(-1);
  }

  async kill(): Promise<void> {
    const child = this.#running;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async #run(command: string, flags: readonly string[], relativePath: string): Promise<void> {
    const child = spawn(PROGRAM, [command, `-path=${this.folder}`, ...flags], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    this.#running = child;
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.stdin.on("error", () => undefined);
    const request = {
      address: this.#forge.grpcAddress,
      storage_name: REPOSITORY.storageName,
      relative_path: relativePath,
      gl_project_path: "drill",
    };
    child.stdin.end(JSON.stringify(request));
    const [status] = await once(child, "close");
    if (status !== 0) throw new Error(`gitaly-backup ${command}: ${status}: ${said}`);
  }
}
