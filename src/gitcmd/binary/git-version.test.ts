import assert from "node:assert/strict";
import { test } from "node:test";
import { type GitVersion, parseGitVersion, reachesVersion } from "./git-version.ts";

test("a version is what git prints, with or without a patch level and more", () => {
  const version = (output: string): string | undefined => {
    const parsed = parseGitVersion(output);
    if (parsed === undefined) return undefined;
    return `${parsed.major}|${parsed.minor}|${parsed.patch}|${parsed.text}`;
  };
  assert.equal(version("git version 2.47.1\n"), "2|47|1|2.47.1");
  assert.equal(version("git version 2.55.0.rc1\n"), "2|55|0|2.55.0.rc1");
  assert.equal(version("git version 3.0-rc2\n"), "3|0|0|3.0-rc2");
  assert.equal(version("git version 2.39.5 (Apple Git-154)\n"), "2|39|5|2.39.5 (Apple Git-154)");
  assert.equal(version("git version 2.47.GIT"), "2|47|0|2.47.GIT");
  for (const output of ["", "git version", "git version x.y", "hub version 2.47.1", "\n2.47"]) {
    assert.equal(version(output), undefined, output);
  }
});

test("versions are compared by number", () => {
  const at = (major: number, minor: number): GitVersion => ({ major, minor, patch: 0, text: "" });
  const reached = [at(2, 46), at(2, 47), at(2, 100), at(3, 0), at(1, 99)].map((version) =>
    reachesVersion(version, 2, 47),
  );
  assert.deepEqual(reached, [false, true, true, true, false]);
});
