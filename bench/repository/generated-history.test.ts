import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { generatedBulk, generatedHistory } from "./generated-history.ts";

function digest(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

test("generated histories are the same each time", () => {
  assert.equal(digest(generatedHistory()), digest(generatedHistory()));
  assert.equal(digest(generatedBulk(1)), digest(generatedBulk(1)));
});
