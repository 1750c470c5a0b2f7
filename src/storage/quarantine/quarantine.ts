import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isNameHeld, settleObjects } from "../../git/object/held-objects.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { freshen, ObjectWriter } from "../object-write/object-writer.ts";
import { migrateHeldObjects } from "./migrate-held-objects.ts";
import { migrateObjects } from "./migrate-objects.ts";

/**
 * Holds the objects of a change until it is accepted.
 *
 * Processes and readers that are given `repository` see the objects of the real one and those of the
 * quarantine; what they write goes to the quarantine. Disposing of it without `migrate` drops the
 * objects, as if they had never been there.
 */
export interface Quarantine extends Disposable, AsyncDisposable {
  /** The repository with the quarantine as its object directory. */
  readonly repository: LocatedRepository;
  /**
   * Absolute path of the quarantine. As long as only this process reads it, it may not be there: see
   * `HeldObjects`. Git processes and custom hooks find it.
   */
  readonly directory: string;
  /** Writes objects into the quarantine. */
  readonly objects: ObjectWriter;
  /**
   * Moves the objects into the repository, to stay there even after a power cut. Each file shows up
   * whole, a pack's index after its pack. What is there already is kept.
   */
  migrate(): Promise<void>;
}

export interface QuarantinePlace {
  /** The folder that the quarantine is made in, on the same file system as the repository. */
  readonly folder: string;
  /** What its name starts with. */
  readonly prefix: string;
}

/**
 * Makes a quarantine for a repository, which may be in quarantine itself.
 *
 * @param objects the objects of that repository
 */
export async function createQuarantine(
  located: LocatedRepository,
  objects: ObjectDatabase,
  { folder, prefix }: QuarantinePlace,
): Promise<Quarantine> {
  const directory = chooseDirectory(join(folder, prefix));
  const target = located.objectDirectory ?? join(located.path, "objects");
  settleObjects(target);
  const isThere = (oid: Parameters<ObjectDatabase["fileOf"]>[0]): boolean => {
    const path = objects.fileOf(oid);
    return path !== undefined && freshen(path);
  };
  const writer = new ObjectWriter(directory, objects.format, isThere);
  return {
    directory,
    objects: writer,
    repository: {
      ...located,
      objectDirectory: directory,
      alternateObjectDirectories: [target, ...(located.alternateObjectDirectories ?? [])],
    },
    migrate: async () => {
      await migrateHeldObjects(writer.held, target);
      if (!writer.hasDirectory) return;
      await migrateObjects(directory, target, writer.written);
      writer.forgetWritten();
    },
    [Symbol.dispose]: () => {
      writer[Symbol.dispose]();
      if (writer.hasDirectory) rmSync(directory, { recursive: true, force: true });
    },
    // Removing folders waits for the disk, which others need not wait for.
    [Symbol.asyncDispose]: async () => {
      writer[Symbol.dispose]();
      if (writer.hasDirectory) await remove(directory);
    },
  };
}

/** Adds six characters to the start of a path, as mkdtemp(3) does, but doesn't make the directory yet. */
function chooseDirectory(start: string): string {
  for (;;) {
    // Random bytes by themselves would cost a hundred times more.
    const random = Number.parseInt(randomUUID().slice(-12), 16);
    const directory = `${start}${random.toString(36).padStart(6, "0").slice(-6)}`;
    if (!isNameHeld(directory)) return directory;
  }
}

/** Removes a directory. Nothing is in it when everything has moved to the repository. */
async function remove(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch {
    await rm(directory, { recursive: true, force: true });
  }
}
