import type { LogLevel } from "./log-level.ts";
import type { LogFields } from "./logger.ts";

/** Turns lines into one format and hands them on. The level has been checked before. */
export interface LogSink {
  write(level: LogLevel, message: string, fields: LogFields): void;
  /** A sink whose lines all carry `fields` as well. */
  with(fields: LogFields): LogSink;
}

/** Keys that every line has; fields of these names are renamed. */
const RESERVED: ReadonlySet<string> = new Set(["level", "msg", "time"]);

/** The key under which a field is written. */
export function fieldKey(key: string): string {
  return RESERVED.has(key) ? `fields.${key}` : key;
}
