import { jsonSink } from "./json-sink.ts";
import type { LogDestination } from "./log-destination.ts";
import { LOG_LEVEL_RANK, type LogLevel, rankOfLevel } from "./log-level.ts";
import type { LogSink } from "./log-sink.ts";
import type { LogFields, Logger } from "./logger.ts";
import { mayHoldUrls, redactUrls } from "./redact-urls.ts";
import { textSink } from "./text-sink.ts";

export interface LoggerOptions {
  /** `json` or `text`. */
  readonly format: string;
  readonly level: string;
  readonly destination: LogDestination;
  /** Fields of every line. */
  readonly fields?: LogFields;
}

/** No such format or level; the message says which. */
export class LoggerOptionError extends Error {}

/** Longer texts under `error` are cut off, because what collects logs often refuses long lines. */
const ERROR_BYTES_MAX = 1024;

/**
 * Makes the logger of a program. Whoever opened the destination closes it.
 *
 * Throws LoggerOptionError.
 */
export function createLogger({ format, level, destination, fields }: LoggerOptions): Logger {
  const makeSink = SINKS.get(format);
  if (makeSink === undefined) throw new LoggerOptionError(`invalid logger format "${format}"`);
  const rank = rankOfLevel(level);
  if (rank === undefined) {
    throw new LoggerOptionError(`parse level: not a valid logrus Level: "${level}"`);
  }
  const logger = new SinkLogger(makeSink(destination), rank, false);
  return fields === undefined ? logger : logger.with(fields);
}

const SINKS: ReadonlyMap<string, (destination: LogDestination) => LogSink> = new Map([
  ["json", jsonSink],
  ["text", textSink],
]);

class SinkLogger implements Logger {
  readonly #sink: LogSink;
  readonly #rank: number;
  readonly #mayHoldUrls: boolean;

  constructor(sink: LogSink, rank: number, mayHoldUrls: boolean) {
    this.#sink = sink;
    this.#rank = rank;
    this.#mayHoldUrls = mayHoldUrls;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#write("warning", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#write("error", message, fields);
  }

  with(fields: LogFields): Logger {
    const isTainted = this.#mayHoldUrls || mayHoldUrls(fields["grpc.method"]);
    return new SinkLogger(this.#sink.with(fields), this.#rank, isTainted);
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    if (LOG_LEVEL_RANK[level] < this.#rank) return;
    const isTainted = this.#mayHoldUrls || mayHoldUrls(fields["grpc.method"]);
    if (isTainted) {
      this.#sink.write(level, redactUrls(message), truncateError(redactFields(fields)));
    } else {
      this.#sink.write(level, message, truncateError(fields));
    }
  }
}

function redactFields(fields: LogFields): LogFields {
  const { args, error } = fields;
  return {
    ...fields,
    ...(error === undefined ? {} : { error: redactUrls(errorText(error)) }),
    ...(Array.isArray(args) ? { args: args.map((arg) => redactUrls(String(arg))) } : {}),
  };
}

function truncateError(fields: LogFields): LogFields {
  const { error } = fields;
  if (error === undefined) return fields;
  const text = errorText(error);
  // Never shorter in bytes than in UTF-16 units, nor more than three times as long.
  if (text.length * 3 <= ERROR_BYTES_MAX) return fields;
  const bytes = Buffer.from(text);
  if (bytes.length <= ERROR_BYTES_MAX) return fields;
  return { ...fields, error: `${bytes.toString("utf8", 0, ERROR_BYTES_MAX)}... (truncated)` };
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
