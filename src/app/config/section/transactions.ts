import { count, type Fields, truth } from "../shape.ts";

/** `[transactions]`: writes through partitions and a write-ahead log. */
export interface TransactionSettings {
  readonly enabled: boolean;
  /** How many partitions stay open without work. */
  readonly maxInactivePartitions: number;
  /** Without transactions, still apply what an earlier run left in its log. */
  readonly recoverPendingWal: boolean;
}

export const TRANSACTION_DEFAULTS: TransactionSettings = {
  enabled: false,
  maxInactivePartitions: 0,
  recoverPendingWal: false,
};

export const TRANSACTION_FIELDS: Fields<TransactionSettings> = {
  enabled: truth("enabled"),
  maxInactivePartitions: count("max_inactive_partitions"),
  recoverPendingWal: truth("recover_pending_wal"),
};

export function completeTransactions(settings: TransactionSettings): TransactionSettings {
  return { ...settings, maxInactivePartitions: settings.maxInactivePartitions || 100 };
}
