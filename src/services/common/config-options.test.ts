import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigOptionError, parseConfigOptions } from "./config-options.ts";

test("parseConfigOptions splits at the first sign", () => {
  assert.deepEqual(parseConfigOptions(["a.b=c", "a.b=c=d", "a.b=", "=x"]), [
    { key: "a.b", value: "c" },
    { key: "a.b", value: "c=d" },
    { key: "a.b", value: "" },
    { key: "", value: "x" },
  ]);
});

test("parseConfigOptions refuses what is no pair", () => {
  assert.throws(
    () => parseConfigOptions(["a=b", 'a"b']),
    (error) => {
      assert.ok(error instanceof ConfigOptionError);
      assert.equal(error.message, 'cannot convert invalid config key: "a\\"b"');
      return true;
    },
  );
});
