/** Values that a log line carries beside its message; keys are snake_case. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes structured lines: a constant message and the fields that belong to this one event.
 *
 * The format, the level and the destination are the composition root's business.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines all carry `fields` as well. */
  with(fields: LogFields): Logger;
}

/** Swallows every line: for programs and tests whose output belongs to somebody else. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};
