import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { TimestampWriter } from "./timestamp-writer.ts";

test("times in UTC are those of the ISO format, in any order", () => {
  const writer = new TimestampWriter("utc");
  const time = fc.integer({ min: -1e12, max: 4e12 });
  const close = fc.integer({ min: 0, max: 3000 });
  fc.assert(
    fc.property(time, close, (milliseconds, step) =>
      [milliseconds, milliseconds + step].every(
        (each) => `${writer.write(each)}Z` === new Date(each).toISOString(),
      ),
    ),
  );
});

test("local times are those of the process's clock", () => {
  const writer = new TimestampWriter("local");
  assert.equal(writer.write(new Date(2026, 0, 2, 3, 4, 5, 6).getTime()), "2026-01-02T03:04:05.006");
  assert.equal(
    writer.write(new Date(2026, 6, 2, 23, 59, 59, 999.5).getTime() + 0.5),
    "2026-07-02T23:59:59.999",
  );
});
