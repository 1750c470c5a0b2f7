import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { UserSchema } from "../../proto/shared_pb.ts";
import { requestSignature, signatureDateText } from "./request-signature.ts";

function dateIn(timezone: string, seconds: bigint): string {
  const user = create(UserSchema, { timezone });
  const timestamp = create(TimestampSchema, { seconds, nanos: 999_999_999 });
  return signatureDateText(requestSignature({ user, timestamp }).time);
}

test("the time is that of the request, as the user's clock shows it", () => {
  const cases: [string, bigint, string][] = [
    ["", 1_700_000_000n, "1700000000 +0000"],
    ["UTC", 0n, "0 +0000"],
    ["Europe/Berlin", 1_700_000_000n, "1700000000 +0100"],
    ["Europe/Berlin", 1_690_000_000n, "1690000000 +0200"],
    ["Asia/Calcutta", 1_700_000_000n, "1700000000 +0530"],
    ["America/St_Johns", 1_700_000_000n, "1700000000 -0330"],
    ["Etc/GMT+3", 1_700_000_000n, "1700000000 -0300"],
    ["Asia/Shanghai", -1n, "-1 +0800"],
    ["Asia/Shanghai", 9_000_000_000_000n, "9000000000000 +0800"],
  ];
  for (const [zone, seconds, text] of cases) assert.equal(dateIn(zone, seconds), text, zone);
});

test("a time zone that isn't known is told", () => {
  for (const zone of ["Nowhere/City", "europe/berlin", "+01:00", "1970-01-01T00:00[UTC]", "\0"]) {
    const message = `unknown time zone ${zone}`;
    assert.throws(() => dateIn(zone, 0n), { kind: "unknown", message });
  }
  for (const zone of ["../etc/passwd", "/etc/passwd", "\\x"]) {
    assert.throws(() => dateIn(zone, 0n), { message: "time: invalid location name" });
  }
});

test("what would end a name or an address is left out", () => {
  const user = create(UserSchema, {
    name: Buffer.from("J<a>n\ne \xff", "latin1"),
    email: Buffer.from("<j@x>\n"),
  });
  const { name, email } = requestSignature({ user });
  assert.deepEqual(name, Buffer.from("Jane \xff", "latin1"));
  assert.equal(email.toString(), "j@x");
});

test("without a time it is now, without a user nobody", () => {
  const { name, email, time } = requestSignature({});
  assert.equal(name.length + email.length, 0);
  assert(Math.abs(Number(time.seconds) - Date.now() / 1000) < 60);
  assert.equal(time.offset, 0);
});
