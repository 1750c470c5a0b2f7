import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { UserSchema } from "../../proto/shared_pb.ts";
import { dateIn, userIdentity } from "./user-identity.ts";

test("userIdentity drops what would end a name, and counts whole seconds", () => {
  const user = create(UserSchema, {
    name: Buffer.from("Jane <\nDoe>"),
    email: Buffer.from("<jane@example.com>"),
    timezone: "Asia/Shanghai",
  });
  const timestamp = create(TimestampSchema, { seconds: 1_600_000_000n, nanos: 999_999_999 });
  assert.deepEqual(userIdentity(user, timestamp), {
    name: Buffer.from("Jane Doe"),
    email: Buffer.from("jane@example.com"),
    date: { seconds: 1_600_000_000n, timezone: "+0800" },
  });
});

test("dateIn knows the time zones of the IANA database at any time", () => {
  for (const [zone, seconds, timezone] of [
    ["", 0n, "+0000"],
    ["UTC", 1n << 62n, "+0000"],
    ["Europe/Berlin", 1_600_000_000n, "+0200"],
    ["Europe/Berlin", 1_610_000_000n, "+0100"],
    ["Asia/Kathmandu", 1_600_000_000n, "+0545"],
    ["America/St_Johns", 1_610_000_000n, "-0330"],
    ["Asia/Shanghai", 1n << 62n, "+0800"],
  ] as const) {
    assert.deepEqual(dateIn(zone, seconds), { seconds, timezone });
  }
});

test("dateIn refuses other names", () => {
  for (const [zone, message] of [
    ["Not/AZone", "unknown time zone Not/AZone"],
    ["+01:00", "unknown time zone +01:00"],
    ["europe/berlin", "unknown time zone europe/berlin"],
    ["1970-01-01T00:00[UTC]", "unknown time zone 1970-01-01T00:00[UTC]"],
    ["/etc/localtime", "time: invalid location name"],
    ["../UTC", "time: invalid location name"],
  ] as const) {
    assert.throws(() => dateIn(zone, 0n), { kind: "unknown", message });
  }
});
