import pino, { type Logger as PinoLogger } from "pino";
import type { LogDestination } from "./log-destination.ts";
import type { LogLevel } from "./log-level.ts";
import { fieldKey, type LogSink, timestamp } from "./log-sink.ts";
import type { LogFields } from "./logger.ts";

/** One JSON object a line with `level`, `time`, `msg` and the fields. */
export function jsonSink(destination: LogDestination): LogSink {
  const options = {
    base: null,
    level: "debug",
    messageKey: "msg",
    timestamp: () => `,"time":"${timestamp()}"`,
    formatters: { level: (label: string) => ({ level: label === "warn" ? "warning" : label }) },
  };
  return new JsonSink(pino(options, destination));
}

class JsonSink implements LogSink {
  readonly #pino: PinoLogger;

  constructor(logger: PinoLogger) {
    this.#pino = logger;
  }

  write(level: LogLevel, message: string, fields: LogFields): void {
    this.#pino[level === "warning" ? "warn" : level](plain(fields), message);
  }

  with(fields: LogFields): LogSink {
    return new JsonSink(this.#pino.child(plain(fields)));
  }
}

/** Errors become their message, which is what JSON keeps of them otherwise: nothing. */
function plain(fields: LogFields): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key in fields) {
    const value = fields[key];
    result[fieldKey(key)] = value instanceof Error ? value.message : value;
  }
  return result;
}
