/** How urgent a line is, by the names that lines and configurations use. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Order of urgency; a logger writes the levels from its own up. */
export const LOG_LEVEL_RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warning: 2,
  error: 3,
};

/** Above all levels: nothing is written. */
export const LOG_RANK_SILENT = 4;

const RANK_OF_NAME: ReadonlyMap<string, number> = new Map([
  ["trace", LOG_LEVEL_RANK.debug],
  ["debug", LOG_LEVEL_RANK.debug],
  ["info", LOG_LEVEL_RANK.info],
  ["warn", LOG_LEVEL_RANK.warning],
  ["warning", LOG_LEVEL_RANK.warning],
  ["error", LOG_LEVEL_RANK.error],
  ["fatal", LOG_RANK_SILENT],
  ["panic", LOG_RANK_SILENT],
]);

/** The rank from which a logger of this level writes; undefined when no level has the name. */
export function rankOfLevel(name: string): number | undefined {
  return RANK_OF_NAME.get(name.toLowerCase());
}
