import { quoteText } from "../text/quote-text.ts";
import type { LogDestination } from "./log-destination.ts";
import type { LogLevel } from "./log-level.ts";
import { fieldKey, type LogSink } from "./log-sink.ts";
import type { LogFields } from "./logger.ts";
import { TimestampWriter } from "./timestamp-writer.ts";

/** `time="…" level=info msg="…" key=value`, the fields in the order of their names. */
export function textSink(destination: LogDestination): LogSink {
  return new TextSink(destination, {}, new TimestampWriter("utc"));
}

class TextSink implements LogSink {
  readonly #destination: LogDestination;
  readonly #fields: LogFields;
  readonly #time: TimestampWriter;

  constructor(destination: LogDestination, fields: LogFields, time: TimestampWriter) {
    this.#destination = destination;
    this.#fields = fields;
    this.#time = time;
  }

  write(level: LogLevel, message: string, fields: LogFields): void {
    const all = Object.entries({ ...this.#fields, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [fieldKey(key), value] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1));
    const line = [
      pair("time", `${this.#time.write(Date.now())}Z`),
      pair("level", level),
      ...(message === "" ? [] : [pair("msg", message)]),
      ...all.map(([key, value]) => pair(key, showValue(value))),
    ];
    this.#destination.write(`${line.join(" ")}\n`);
  }

  with(fields: LogFields): LogSink {
    return new TextSink(this.#destination, { ...this.#fields, ...fields }, this.#time);
  }
}

function pair(key: string, value: string): string {
  return `${key}=${/[^a-zA-Z0-9\-._/@^+]/.test(value) ? quoteText(value) : value}`;
}

/** Lists and maps as Go prints them: `[a b]`, `map[k:v]`. */
function showValue(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return `[${value.map(showValue).join(" ")}]`;
  if (value === null || value === undefined) return "<nil>";
  if (typeof value !== "object") return showScalar(value);
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `map[${entries.map(([key, entry]) => `${key}:${showValue(entry)}`).join(" ")}]`;
}

function showScalar(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "function" || typeof value === "symbol" ? "" : `${value}`;
}
