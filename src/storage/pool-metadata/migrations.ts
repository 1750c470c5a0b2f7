/** A step from one layout of the database to the next. */
interface Migration {
  /** How the database notes that the step was made. */
  readonly id: string;
  readonly statements: readonly string[];
}

/** All steps, the oldest first. What is in here once is never changed: steps are added. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: "20260211151213_initial_schema",
    statements: [
      `CREATE TABLE pools (
        disk_path TEXT PRIMARY KEY,
        storage TEXT NOT NULL,
        last_scanned DATETIME NOT NULL
      )`,
      `CREATE TABLE pool_members (
        member_disk_path TEXT PRIMARY KEY,
        pool_disk_path TEXT NOT NULL,
        is_upstream INTEGER NOT NULL DEFAULT 0,
        FOREIGN KEY (pool_disk_path) REFERENCES pools (disk_path) ON DELETE RESTRICT
      )`,
      "CREATE INDEX idx_pool_members_pool_disk_path ON pool_members (pool_disk_path)",
      `CREATE UNIQUE INDEX idx_pool_members_one_upstream_per_pool
        ON pool_members (pool_disk_path) WHERE is_upstream = 1`,
    ],
  },
  {
    id: "20260415000000_broken_pools",
    statements: [
      `CREATE TABLE broken_pools (
        pool_member TEXT NOT NULL,
        storage TEXT NOT NULL,
        pool TEXT NOT NULL,
        PRIMARY KEY (pool_member, storage)
      )`,
      "CREATE INDEX idx_broken_pools_storage ON broken_pools (storage)",
    ],
  },
];
