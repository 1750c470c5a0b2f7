import assert from "node:assert/strict";
import { test } from "node:test";
import { authorizationHeader } from "./token.ts";

test("authorizationHeader signs the second of issue with the secret", () => {
  const signature = "3346cb25ecdb928defd368e7390522a86764bbdf1e8b21aaef27c4c23ec9c899";
  const expected = `Bearer v2.${signature}.1535671615`;
  assert.equal(authorizationHeader("foo", 1_535_671_615_999), expected);
});
