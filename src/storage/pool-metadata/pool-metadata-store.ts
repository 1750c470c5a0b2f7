import { DatabaseSync } from "node:sqlite";
import { DomainError } from "../../base/error/domain-error.ts";
import { MIGRATIONS } from "./migrations.ts";

/** Who borrows from an object pool. All paths are relative to the storage. */
export interface PoolMembers {
  readonly members: readonly string[];
  /** The member that the pool was made of; undefined if that isn't known. */
  readonly upstream: string | undefined;
}

/** The database can't be used. */
export class PoolMetadataError extends DomainError {
  constructor(doing: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super("internal", `${doing}: ${reason}`, { cause });
  }
}

/** How long a call waits for another process that writes. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * What is known of object pools and of the repositories that borrow from them, in an SQLite
 * database with the tables that Gitaly has there: either server can take over from the other.
 *
 * @throws PoolMetadataError, all of its methods
 */
export class PoolMetadataStore implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Opens the database at `path`, or makes it. */
  static open(path: string): PoolMetadataStore {
    const database = during("open sqlite database", () => {
      return new DatabaseSync(path, {
        enableForeignKeyConstraints: true,
        timeout: BUSY_TIMEOUT_MS,
      });
    });
    try {
      during("run migrations", () => migrate(database));
    } catch (error) {
      database.close();
      throw error;
    }
    return new PoolMetadataStore(database);
  }

  /** Replaces all that is known of a storage's pools, which go by their paths. */
  replaceStorage(
    storageName: string,
    pools: ReadonlyMap<string, PoolMembers>,
    scannedAt: Date,
  ): void {
    inTransaction(this.#database, () => {
      this.#forgetStorage(storageName);
      const pool = this.#database.prepare(
        "INSERT INTO pools (disk_path, storage, last_scanned) VALUES (?, ?, ?)",
      );
      const insert = this.#database.prepare(
        "INSERT INTO pool_members (member_disk_path, pool_disk_path, is_upstream) VALUES (?, ?, ?)",
      );
      for (const [path, { members, upstream }] of pools) {
        during(`insert pool ${path}`, () => pool.run(path, storageName, timeText(scannedAt)));
        for (const member of members) {
          const isUpstream = member === upstream ? 1 : 0;
          during(`insert member ${member} for pool ${path}`, () =>
            insert.run(member, path, isUpstream),
          );
        }
      }
    });
  }

  #forgetStorage(storageName: string): void {
    const own = "SELECT disk_path FROM pools WHERE storage = ?";
    const members = `DELETE FROM pool_members WHERE pool_disk_path IN (${own})`;
    during("delete pool members", () => this.#database.prepare(members).run(storageName));
    const pools = "DELETE FROM pools WHERE storage = ?";
    during("delete pools", () => this.#database.prepare(pools).run(storageName));
  }

  /** The paths of a storage's pools. */
  poolPaths(storageName: string): string[] {
    const query = "SELECT disk_path FROM pools WHERE storage = ?";
    const rows = during("query pools", () => this.#database.prepare(query).all(storageName));
    return rows.map(({ disk_path: path }) => String(path));
  }

  /** Notes that a repository borrows from a pool that isn't there. */
  recordBrokenPool(storageName: string, member: string, pool: string): void {
    const insert = `INSERT INTO broken_pools (pool_member, storage, pool) VALUES (?, ?, ?)
      ON CONFLICT (pool_member, storage) DO UPDATE SET pool = excluded.pool`;
    during("record broken pool", () =>
      this.#database.prepare(insert).run(member, storageName, pool),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function migrate(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL");
  // Safe from corruption together with the former.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec(
    `CREATE TABLE IF NOT EXISTS schema_migrations
      (id VARCHAR(255) NOT NULL PRIMARY KEY, applied_at DATETIME)`,
  );
  const find = database.prepare("SELECT id FROM schema_migrations WHERE id = ?");
  const note = database.prepare("INSERT INTO schema_migrations (id, applied_at) VALUES (?, ?)");
  for (const { id, statements } of MIGRATIONS) {
    inTransaction(database, () => {
      if (find.get(id) !== undefined) return;
      for (const statement of statements) database.exec(statement);
      note.run(id, timeText(new Date()));
    });
  }
}

function inTransaction(database: DatabaseSync, work: () => void): void {
  during("begin transaction", () => database.exec("BEGIN IMMEDIATE"));
  try {
    work();
    during("commit transaction", () => database.exec("COMMIT"));
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function during<Result>(doing: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof PoolMetadataError) throw error;
    throw new PoolMetadataError(doing, error);
  }
}

/** `2006-01-02 15:04:05.999+00:00`, as Go's driver writes times. */
function timeText(time: Date): string {
  return time.toISOString().replace("T", " ").replace("Z", "+00:00");
}
