import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { TAR_END, tarHeader } from "./tar-header.ts";

const ENTRY = { name: "file", mode: 0o666, size: 0, mtime: 0 };

/** What tar(1) tells of the owner of an archive's only entry. */
function owner(header: Buffer, ...flags: string[]): string | undefined {
  const input = Buffer.concat([header, TAR_END]);
  const env = { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" };
  return execFileSync("tar", ["-tv", ...flags], { input, env })
    .toString()
    .split(/ +/)[1];
}

test("an entry tells its owner's name and number", () => {
  for (const { uid, gid, userName, groupName } of [
    { uid: 1, gid: 2, userName: "git", groupName: "staff" },
    { uid: 0o7777777, gid: 0o7777777, userName: "u".repeat(32), groupName: "g".repeat(32) },
    { uid: 1_000_650_000, gid: 0o10000000, userName: "u".repeat(33), groupName: "g".repeat(33) },
  ]) {
    const header = tarHeader({ ...ENTRY, uid, gid, userName, groupName });
    assert.equal(owner(header), `${userName}/${groupName}`);
    assert.equal(owner(header, "--numeric-owner"), `${uid}/${gid}`);
  }
});

test("an entry of an account without a name tells its number", () => {
  assert.equal(owner(tarHeader({ ...ENTRY, uid: 998, gid: 7 })), "998/7");
});
