import { formatDuration } from "../../../base/text/duration-text.ts";
import { at, type Problem, under, unlessAbove, unlessAtLeast } from "../problem.ts";
import { duration, type Fields, integer, table, text, truth } from "../shape.ts";

/** How many calls may run at once for one key, and how many may wait. */
export interface ConcurrencyLimits {
  /** Used unless `adaptive`; 0 falls back to `maxPerRepo`. */
  readonly maxConcurrency: number;
  /** The older name of `maxConcurrency`. */
  readonly maxPerRepo: number;
  readonly maxQueueSize: number;
  /** The older name of `maxQueueSize`. */
  readonly maxQueueLength: number;
  /** 0 to wait without a limit. */
  readonly maxQueueWaitMs: number;
  /** The limit moves between `minLimit` and `maxLimit` with the load of the machine. */
  readonly adaptive: boolean;
  readonly initialLimit: number;
  readonly maxLimit: number;
  readonly minLimit: number;
}

/** Limits, and those that hold for callers whom nobody has identified. */
export interface LimitPair extends ConcurrencyLimits {
  readonly unauthenticated: ConcurrencyLimits;
}

/** `[[concurrency]]`: the limits of one RPC, named `/gitaly.Service/Method`. */
export interface ConcurrencySettings extends LimitPair {
  readonly rpc: string;
}

const UNLIMITED: ConcurrencyLimits = {
  maxConcurrency: 0,
  maxPerRepo: 0,
  maxQueueSize: 0,
  maxQueueLength: 0,
  maxQueueWaitMs: 0,
  adaptive: false,
  initialLimit: 0,
  maxLimit: 0,
  minLimit: 0,
};

export const CONCURRENCY_DEFAULTS: ConcurrencySettings = {
  ...UNLIMITED,
  unauthenticated: UNLIMITED,
  rpc: "",
};

/** Packs are made for 200 calls of one user or address at a time unless the operator says so. */
export const PACK_OBJECTS_LIMITING_DEFAULTS: LimitPair = {
  ...UNLIMITED,
  maxConcurrency: 200,
  unauthenticated: UNLIMITED,
};

const CONCURRENCY_QUEUE_SIZE = 500;
const PACK_OBJECTS_QUEUE_SIZE = 200;

const LIMIT_FIELDS: Fields<ConcurrencyLimits> = {
  maxConcurrency: integer("max_concurrency"),
  maxPerRepo: integer("max_per_repo"),
  maxQueueSize: integer("max_queue_size"),
  maxQueueLength: integer("max_queue_length"),
  maxQueueWaitMs: duration("max_queue_wait"),
  adaptive: truth("adaptive"),
  initialLimit: integer("initial_limit"),
  maxLimit: integer("max_limit"),
  minLimit: integer("min_limit"),
};

export const LIMIT_PAIR_FIELDS: Fields<LimitPair> = {
  ...LIMIT_FIELDS,
  unauthenticated: table("unauthenticated", LIMIT_FIELDS),
};

export const CONCURRENCY_FIELDS: Fields<ConcurrencySettings> = {
  ...LIMIT_PAIR_FIELDS,
  rpc: text("rpc"),
};

/** Every queue has an end. */
export function completeConcurrency(settings: ConcurrencySettings): ConcurrencySettings {
  return { ...settings, maxQueueSize: settings.maxQueueSize || CONCURRENCY_QUEUE_SIZE };
}

/** Every queue has an end; the older name counts when the newer is missing. */
export function completePackObjectsLimiting(settings: LimitPair): LimitPair {
  const { maxQueueSize, maxQueueLength } = settings;
  if (maxQueueSize !== 0 || maxQueueLength < 0) return settings;
  return { ...settings, maxQueueSize: maxQueueLength || PACK_OBJECTS_QUEUE_SIZE };
}

/** Whether these limits say anything at all. */
export function isLimited(limits: ConcurrencyLimits): boolean {
  return limits.adaptive || limits.maxConcurrency > 0 || limits.maxPerRepo > 0;
}

export function checkConcurrency(settings: ConcurrencySettings): readonly Problem[] {
  return [...checkLimits(settings), ...checkUnauthenticated(settings)];
}

export function checkPackObjectsLimiting(settings: LimitPair): readonly Problem[] {
  const { maxQueueSize, maxQueueLength } = settings;
  return [
    ...checkStaticLimits(settings),
    ...checkQueueWait(settings),
    ...(maxQueueSize === 0 ? [] : at("max_queue_size", unlessAbove(maxQueueSize, 0))),
    ...(maxQueueLength === 0 ? [] : at("max_queue_length", unlessAbove(maxQueueLength, 0))),
    ...checkAdaptiveLimits(settings),
    ...checkUnauthenticated(settings),
  ];
}

function checkUnauthenticated({ unauthenticated }: LimitPair): readonly Problem[] {
  return isLimited(unauthenticated) ? under("unauthenticated", checkLimits(unauthenticated)) : [];
}

function checkLimits(limits: ConcurrencyLimits): readonly Problem[] {
  return [
    ...checkStaticLimits(limits),
    ...at("max_queue_size", unlessAbove(limits.maxQueueSize, 0)),
    ...checkQueueWait(limits),
    ...checkAdaptiveLimits(limits),
  ];
}

function checkStaticLimits(limits: ConcurrencyLimits): readonly Problem[] {
  return [
    ...at("max_concurrency", unlessAtLeast(limits.maxConcurrency, 0)),
    ...at("max_per_repo", unlessAtLeast(limits.maxPerRepo, 0)),
  ];
}

function checkQueueWait({ maxQueueWaitMs }: ConcurrencyLimits): readonly Problem[] {
  return at("max_queue_wait", unlessAtLeast(maxQueueWaitMs, 0, formatDuration));
}

function checkAdaptiveLimits(limits: ConcurrencyLimits): readonly Problem[] {
  if (!limits.adaptive) return [];
  return [
    ...at("min_limit", unlessAbove(limits.minLimit, 0)),
    ...at("max_limit", unlessAtLeast(limits.maxLimit, limits.initialLimit)),
    ...at("initial_limit", unlessAtLeast(limits.initialLimit, limits.minLimit)),
  ];
}
