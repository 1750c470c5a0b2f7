import assert from "node:assert/strict";
import { test } from "node:test";
import { isObjectPoolPath } from "./object-pool-path.ts";

test("isObjectPoolPath knows the names of object pools", () => {
  const name = `abcd${"0".repeat(60)}`;
  const cases = [
    [`@pools/ab/cd/${name}.git`, true],
    [`some/where/@pools/ab/cd/${name}.git`, true],
    [`@pools/ab/ce/${name}.git`, false],
    [`@pools/ab/cd/${name}`, false],
    [`@pools/ab/cd/${name}0.git`, false],
    [`@hashed/ab/cd/${name}.git`, false],
    ["@cluster/pools/ab/cd/123", true],
    ["@cluster/pools/ab/cd/123.git", false],
    ["@cluster/repositories/ab/cd/123", false],
    ["group/project.git", false],
  ] as const;
  for (const [path, isPool] of cases) assert.equal(isObjectPoolPath(path), isPool, path);
});
