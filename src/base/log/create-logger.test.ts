import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { createLogger } from "./create-logger.ts";
import type { LogDestination } from "./log-destination.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function collect(): { destination: LogDestination; lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    destination: { write: (line) => lines.push(line), close: async () => undefined },
  };
}

function parseLine(line: string | undefined): Record<string, unknown> {
  const { time, ...rest }: Record<string, unknown> = JSON.parse(line ?? "");
  assert.match(String(time), TIME);
  return rest;
}

test("a JSON line has level, time, message and the fields", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination, fields: { pid: 7 } });
  logger
    .with({ correlation_id: "abc" })
    .info("finished", { "grpc.time_ms": 1.5, missing: undefined });
  assert.deepEqual(parseLine(lines[0]), {
    level: "info",
    msg: "finished",
    pid: 7,
    correlation_id: "abc",
    "grpc.time_ms": 1.5,
  });
  assert.equal(lines[0]?.endsWith("}\n"), true);
});

test("a warning is called warning in both formats", () => {
  const { destination, lines } = collect();
  createLogger({ format: "json", level: "debug", destination }).warn("careful");
  createLogger({ format: "text", level: "debug", destination }).warn("careful");
  assert.equal(parseLine(lines[0])["level"], "warning");
  assert.match(lines[1] ?? "", /^time="[^"]+" level=warning msg=careful\n$/);
});

test("a text line sorts its fields and quotes what is not plain", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "text", level: "info", destination, fields: { pid: 7 } });
  logger.info("starting up", {
    b: 'say "hi"',
    a: ["x", "y"],
    c: { z: 1, y: [true] },
    d: undefined,
    e: null,
    path: "/srv/git",
    empty: "",
  });
  const [, rest = ""] = /^time="[^"]+" (.*)\n$/.exec(lines[0] ?? "") ?? [];
  assert.equal(
    rest,
    'level=info msg="starting up" a="[x y]" b="say \\"hi\\"" c="map[y:[true] z:1]" e="<nil>" empty= path=/srv/git pid=7',
  );
});

test("a field given for one line takes the place of the logger's own", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination });
  const child = logger.with({ a: 1, b: 2 }).with({ b: 3 });
  child.info("m", { a: "one", c: 'q"\n\ud83d\ude00\ud800' });
  child.info("m");
  assert.equal(lines[0]?.match(/"a":/g)?.length, 1);
  assert.deepEqual(parseLine(lines[0]), {
    level: "info",
    msg: "m",
    a: "one",
    b: 3,
    c: 'q"\n\ud83d\ude00\ud800',
  });
  assert.deepEqual(parseLine(lines[1]), { level: "info", msg: "m", a: 1, b: 3 });
});

test("any text survives in a JSON line", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination });
  const text = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => {
    return String.fromCharCode(...codes);
  });
  fc.assert(
    fc.property(text, text, (message, value) => {
      logger.info(message, { value, [`key ${value}`]: 1 });
      const line = parseLine(lines.pop());
      return line["msg"] === message && line["value"] === value && line[`key ${value}`] === 1;
    }),
  );
});

test("a field called like a key of every line is renamed", () => {
  const { destination, lines } = collect();
  createLogger({ format: "json", level: "info", destination }).info("m", { level: 3, msg: "x" });
  const line = parseLine(lines[0]);
  assert.deepEqual(line, { level: "info", msg: "m", "fields.level": 3, "fields.msg": "x" });
});

test("a value that JSON can't hold doesn't cost the line", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination });
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  logger.info("odd", { big: 2n ** 64n, loop, list: [1n], nothing: Number.NaN, fine: "x" });
  assert.deepEqual(parseLine(lines[0]), {
    level: "info",
    msg: "odd",
    big: "18446744073709551616n",
    loop: "<ref *1> { self: [Circular *1] }",
    list: "[ 1n ]",
    nothing: null,
    fine: "x",
  });
});

for (const [level, expected] of [
  ["trace", ["debug", "info", "warning", "error"]],
  ["debug", ["debug", "info", "warning", "error"]],
  ["INFO", ["info", "warning", "error"]],
  ["warn", ["warning", "error"]],
  ["warning", ["warning", "error"]],
  ["error", ["error"]],
  ["fatal", []],
] as const) {
  test(`level ${level} lets ${expected.join(", ") || "nothing"} through`, () => {
    const { destination, lines } = collect();
    const logger = createLogger({ format: "json", level, destination });
    for (const method of ["debug", "info", "warn", "error"] as const) logger[method](method);
    assert.deepEqual(
      lines.map((line) => parseLine(line)["level"]),
      expected,
    );
  });
}

test("an unknown format or level is refused by name", () => {
  const { destination } = collect();
  assert.throws(() => createLogger({ format: "xml", level: "info", destination }), {
    message: 'invalid logger format "xml"',
  });
  assert.throws(() => createLogger({ format: "json", level: "loud", destination }), {
    message: 'parse level: not a valid logrus Level: "loud"',
  });
});

test("an error is written as its message, cut off after 1024 bytes", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination });
  logger.error("failed", { error: new Error("disk is full") });
  logger.error("failed", { error: new Error("a".repeat(2000)) });
  logger.error("failed", { error: new Error("é".repeat(512)) });
  assert.equal(parseLine(lines[0])["error"], "disk is full");
  assert.equal(parseLine(lines[1])["error"], `${"a".repeat(1024)}... (truncated)`);
  assert.equal(parseLine(lines[2])["error"], "é".repeat(512));
});

test("credentials in URLs are hidden in the lines of RPCs that take URLs", () => {
  const { destination, lines } = collect();
  const logger = createLogger({ format: "json", level: "info", destination });
  const fetching = logger.with({ "grpc.method": "FetchRemote" });
  fetching.info("spawn", { args: ["fetch", "https://user:secret@host.example/a.git"] });
  fetching.info("failed", { error: new Error("cannot reach ssh://git@[::1]:22/x") });
  fetching.info("from user@host.example");
  logger.info("from user@host.example", { "grpc.method": "FindCommit" });
  assert.deepEqual(parseLine(lines[0])["args"], ["fetch", "https://[FILTERED]@host.example/a.git"]);
  assert.equal(parseLine(lines[1])["error"], "cannot reach ssh://[FILTERED]@[::1]:22/x");
  assert.equal(parseLine(lines[2])["msg"], "from [FILTERED]@host.example");
  assert.equal(parseLine(lines[3])["msg"], "from user@host.example");
});
