import { join } from "node:path";
import { uuidReason } from "../check/uuid.ts";
import {
  at,
  type Problem,
  unlessAbove,
  unlessAbsolute,
  unlessDirectory,
  unlessSet,
} from "../problem.ts";
import { count, type Fields, text, truth } from "../shape.ts";
import type { StorageSettings } from "./storage.ts";
import type { TransactionSettings } from "./transactions.ts";

/** `[raft]`: several servers that keep the same write-ahead logs. */
export interface RaftSettings {
  readonly enabled: boolean;
  readonly clusterId: string;
  readonly rttMs: number;
  /** Round trips between elections. */
  readonly electionTicks: number;
  /** Round trips between signs of life. */
  readonly heartbeatTicks: number;
  readonly proposalConfChangeTimeoutMs: number;
  readonly snapshotDir: string;
}

export const RAFT_DEFAULTS: RaftSettings = {
  enabled: false,
  clusterId: "",
  rttMs: 0,
  electionTicks: 0,
  heartbeatTicks: 0,
  proposalConfChangeTimeoutMs: 0,
  snapshotDir: "",
};

export const RAFT_FIELDS: Fields<RaftSettings> = {
  enabled: truth("enabled"),
  clusterId: text("cluster_id"),
  rttMs: count("rtt_milliseconds", { type: "uint64" }),
  electionTicks: count("election_rtt", { type: "uint64" }),
  heartbeatTicks: count("heartbeat_rtt", { type: "uint64" }),
  proposalConfChangeTimeoutMs: count("proposal_conf_change_timeout", { type: "uint64" }),
  snapshotDir: text("snapshot_dir"),
};

export function completeRaft(
  raft: RaftSettings,
  [storage]: readonly StorageSettings[],
): RaftSettings {
  if (!raft.enabled) return raft;
  const usualDir = storage === undefined ? "" : join(storage.path, "+gitaly", "raft", "snapshots");
  return {
    ...raft,
    rttMs: raft.rttMs || 200,
    electionTicks: raft.electionTicks || 20,
    heartbeatTicks: raft.heartbeatTicks || 2,
    proposalConfChangeTimeoutMs: raft.proposalConfChangeTimeoutMs || 5000,
    snapshotDir: raft.snapshotDir || usualDir,
  };
}

/** Reads the disk. */
export function checkRaft(
  raft: RaftSettings,
  transactions: TransactionSettings,
): readonly Problem[] {
  if (!raft.enabled) return [];
  const withoutLog = "transactions must be enabled to enable Raft";
  const missing = unlessDirectory(raft.snapshotDir);
  return [
    ...(transactions.enabled ? [] : at("enabled", withoutLog)),
    ...at("cluster_id", unlessSet(raft.clusterId)),
    ...at("rtt_millisecond", unlessAbove(raft.rttMs, 0)),
    ...at("election_rtt", unlessAbove(raft.electionTicks, 0)),
    ...at("heartbeat_rtt", unlessAbove(raft.heartbeatTicks, 0)),
    ...at("snapshot_dir", unlessAbsolute(raft.snapshotDir)),
    // The reference server reports a missing directory for the section, not for its key.
    ...(missing === undefined ? [] : [{ key: [], message: missing }]),
    ...at("cluster_id", raft.clusterId === "" ? undefined : uuidReason(raft.clusterId)),
  ];
}
