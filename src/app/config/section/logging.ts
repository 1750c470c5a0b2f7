import { type Fields, text } from "../shape.ts";

/** `[logging]`. Format and level are checked when the logger is made. */
export interface LoggingSettings {
  /** `text` or `json`. */
  readonly format: string;
  readonly level: string;
  readonly sentryDsn: string;
  readonly sentryEnvironment: string;
}

export const LOGGING_DEFAULTS: LoggingSettings = {
  format: "",
  level: "",
  sentryDsn: "",
  sentryEnvironment: "",
};

export const LOGGING_FIELDS: Fields<LoggingSettings> = {
  format: text("format"),
  level: text("level"),
  sentryDsn: text("sentry_dsn"),
  sentryEnvironment: text("sentry_environment"),
};

/** Fills in what was left empty. */
export function completeLogging(logging: LoggingSettings): LoggingSettings {
  return { ...logging, format: logging.format || "text", level: logging.level || "info" };
}
