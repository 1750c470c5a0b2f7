import { decimal, type Fields, integer, table, truth } from "../shape.ts";

/** When a resource counts as short, in percent of time that something waited for it. */
export interface PressureSettings {
  readonly enabled: boolean;
  readonly warningThreshold: number;
  readonly backoffThreshold: number;
  readonly criticalThreshold: number;
  readonly sustainDurationSeconds: number;
  /** Below this part of the last average, pressure counts as going away by itself. */
  readonly fastFallRatio: number;
}

interface PressuresByResource {
  readonly memory: PressureSettings;
  readonly io: PressureSettings;
  readonly cpu: PressureSettings;
}

/** `[adaptive_limiting]`: when limits that move with the load go down. */
export interface AdaptiveLimitingSettings {
  /** Part of time that processes were throttled; 0 for the built-in half. */
  readonly cpuThrottledThreshold: number;
  /** Part of the memory limit in use; 0 for the built-in 0.9. */
  readonly memoryThreshold: number;
  readonly psiPressure: PressuresByResource;
}

const NO_PRESSURE: PressureSettings = {
  enabled: false,
  warningThreshold: 0,
  backoffThreshold: 0,
  criticalThreshold: 0,
  sustainDurationSeconds: 0,
  fastFallRatio: 0,
};

export const ADAPTIVE_LIMITING_DEFAULTS: AdaptiveLimitingSettings = {
  cpuThrottledThreshold: 0,
  memoryThreshold: 0,
  psiPressure: { memory: NO_PRESSURE, io: NO_PRESSURE, cpu: NO_PRESSURE },
};

const PRESSURE_FIELDS: Fields<PressureSettings> = {
  enabled: truth("enabled"),
  warningThreshold: decimal("warning_threshold"),
  backoffThreshold: decimal("backoff_threshold"),
  criticalThreshold: decimal("critical_threshold"),
  sustainDurationSeconds: integer("sustain_duration_seconds"),
  fastFallRatio: decimal("fast_fall_ratio"),
};

const PRESSURES_FIELDS: Fields<PressuresByResource> = {
  memory: table("memory", PRESSURE_FIELDS),
  io: table("io", PRESSURE_FIELDS),
  cpu: table("cpu", PRESSURE_FIELDS),
};

export const ADAPTIVE_LIMITING_FIELDS: Fields<AdaptiveLimitingSettings> = {
  cpuThrottledThreshold: decimal("cpu_throttled_threshold"),
  memoryThreshold: decimal("memory_threshold"),
  psiPressure: table("psi_pressure", PRESSURES_FIELDS),
};

/** Fills in the thresholds of the resources that are watched. */
export function completeAdaptiveLimiting(
  settings: AdaptiveLimitingSettings,
): AdaptiveLimitingSettings {
  const { memory, io, cpu } = settings.psiPressure;
  return {
    ...settings,
    psiPressure: {
      memory: completePressure(memory, 10, 20, 40),
      io: completePressure(io, 10, 20, 40),
      cpu: completePressure(cpu, 20, 25, 50),
    },
  };
}

function completePressure(
  settings: PressureSettings,
  warning: number,
  backoff: number,
  critical: number,
): PressureSettings {
  if (!settings.enabled) return settings;
  const or = (value: number, usual: number): number => (value > 0 ? value : usual);
  return {
    enabled: true,
    warningThreshold: or(settings.warningThreshold, warning),
    backoffThreshold: or(settings.backoffThreshold, backoff),
    criticalThreshold: or(settings.criticalThreshold, critical),
    sustainDurationSeconds: or(settings.sustainDurationSeconds, 30),
    fastFallRatio: or(settings.fastFallRatio, 0.85),
  };
}
