import { at, type Problem, under, unlessNatural, unlessWithin } from "../problem.ts";
import { count, type Fields, integer, table, text, truth } from "../shape.ts";

/** `[cgroups.repositories]`: groups that git processes are spread over by repository. */
export interface RepositoryCgroupSettings {
  readonly count: number;
  readonly maxCgroupsPerRepo: number;
  /** 0 for no limit, as for the two below. */
  readonly memoryBytes: number;
  readonly cpuShares: number;
  /** Processor time in µs within each 100 ms. */
  readonly cpuQuotaUs: number;
}

interface OldCpuSettings {
  readonly enabled: boolean;
  readonly shares: number;
}

interface OldMemorySettings {
  readonly enabled: boolean;
  readonly limit: number;
}

/** `[cgroups]`: the kernel's control groups that bound git processes. */
export interface CgroupSettings {
  readonly mountpoint: string;
  readonly hierarchyRoot: string;
  readonly repositories: RepositoryCgroupSettings;
  readonly memoryBytes: number;
  readonly cpuShares: number;
  readonly cpuQuotaUs: number;
  readonly metricsEnabled: boolean;
  /** The format of before 15.0, carried over into `repositories`. */
  readonly count: number;
  readonly cpu: OldCpuSettings;
  readonly memory: OldMemorySettings;
}

export const CGROUP_DEFAULTS: CgroupSettings = {
  mountpoint: "",
  hierarchyRoot: "",
  repositories: { count: 0, maxCgroupsPerRepo: 0, memoryBytes: 0, cpuShares: 0, cpuQuotaUs: 0 },
  memoryBytes: 0,
  cpuShares: 0,
  cpuQuotaUs: 0,
  metricsEnabled: false,
  count: 0,
  cpu: { enabled: false, shares: 0 },
  memory: { enabled: false, limit: 0 },
};

const REPOSITORY_FIELDS: Fields<RepositoryCgroupSettings> = {
  count: count("count"),
  maxCgroupsPerRepo: count("max_cgroups_per_repo", { json: "MaxCgroupsPerRepo" }),
  memoryBytes: integer("memory_bytes", { type: "int64", json: "MemoryBytes" }),
  cpuShares: count("cpu_shares", { type: "uint64", json: "CPUShares" }),
  cpuQuotaUs: integer("cpu_quota_us", { type: "int64", json: "CPUQuotaUs" }),
};

const OLD_CPU_FIELDS: Fields<OldCpuSettings> = {
  enabled: truth("enabled"),
  shares: count("shares", { type: "uint64" }),
};

const OLD_MEMORY_FIELDS: Fields<OldMemorySettings> = {
  enabled: truth("enabled"),
  limit: integer("limit", { type: "int64" }),
};

export const CGROUP_FIELDS: Fields<CgroupSettings> = {
  mountpoint: text("mountpoint"),
  hierarchyRoot: text("hierarchy_root", { json: "HierarchyRoot" }),
  repositories: table("repositories", REPOSITORY_FIELDS),
  memoryBytes: integer("memory_bytes", { type: "int64", json: "MemoryBytes" }),
  cpuShares: count("cpu_shares", { type: "uint64", json: "CPUShares" }),
  cpuQuotaUs: integer("cpu_quota_us", { type: "int64", json: "CPUQuotaUs" }),
  metricsEnabled: truth("metrics_enabled", { json: "MetricsEnabled" }),
  count: count("count"),
  cpu: table("cpu", OLD_CPU_FIELDS),
  memory: table("memory", OLD_MEMORY_FIELDS),
};

/** Fills in the usual places and takes over the old format. */
export function completeCgroups(cgroups: CgroupSettings): CgroupSettings {
  const repositories = withOldFormat(cgroups);
  const isUnspread = repositories.count !== 0 && repositories.maxCgroupsPerRepo === 0;
  return {
    ...cgroups,
    mountpoint: cgroups.mountpoint || "/sys/fs/cgroup",
    hierarchyRoot: cgroups.hierarchyRoot || "gitaly",
    repositories: isUnspread ? { ...repositories, maxCgroupsPerRepo: 1 } : repositories,
  };
}

function withOldFormat({
  repositories,
  count,
  cpu,
  memory,
}: CgroupSettings): RepositoryCgroupSettings {
  if (repositories.count !== 0) return repositories;
  return {
    ...repositories,
    count,
    memoryBytes: repositories.memoryBytes || (memory.enabled ? memory.limit : 0),
    cpuShares: repositories.cpuShares || (cpu.enabled ? cpu.shares : 0),
  };
}

/** No group of repositories may get more than the group of all. */
export function checkCgroups(cgroups: CgroupSettings): readonly Problem[] {
  const { repositories, memoryBytes, cpuShares, cpuQuotaUs } = cgroups;
  const within = (key: string, value: number, most: number): readonly Problem[] =>
    most > 0 ? at(key, unlessWithin(value, 0, most)) : [];
  const { count, maxCgroupsPerRepo } = repositories;
  return under("repositories", [
    ...at("max_cgroups_per_repo", unlessWithin(maxCgroupsPerRepo, 0, count)),
    ...at("memory_bytes", unlessNatural(memoryBytes)),
    ...at("cpu_quota_us", unlessNatural(cpuQuotaUs)),
    ...within("memory_bytes", repositories.memoryBytes, memoryBytes),
    ...within("cpu_shares", repositories.cpuShares, cpuShares),
    ...within("cpu_quota_us", repositories.cpuQuotaUs, cpuQuotaUs),
  ]);
}
