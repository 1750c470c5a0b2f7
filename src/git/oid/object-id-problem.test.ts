import assert from "node:assert/strict";
import { test } from "node:test";
import { objectIdProblem } from "./object-id-problem.ts";

test("objectIdProblem says what keeps a text from being an object id", () => {
  const digits = "0123456789abcdef0123456789abcdef0123456";
  const cases = [
    [`${digits}7`, undefined],
    ["", 'invalid object ID: "", expected length 40, got 0'],
    ["ä", 'invalid object ID: "ä", expected length 40, got 2'],
    [Buffer.from([0xff]), 'invalid object ID: "\\xff", expected length 40, got 1'],
    [`${digits}A`, `invalid object ID: "${digits}A", invalid character 'A'`],
    [`${digits}'`, `invalid object ID: "${digits}'", invalid character '\\''`],
    [`${digits}"`, `invalid object ID: "${digits}\\"", invalid character '"'`],
    [`${digits}\n`, `invalid object ID: "${digits}\\n", invalid character '\\n'`],
  ] as const;
  for (const [id, problem] of cases) assert.equal(objectIdProblem(id, "sha1"), problem);
  assert.match(objectIdProblem(`${digits}7`, "sha256") ?? "", /expected length 64, got 40$/);
});
