import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { accountNames } from "./account-names.ts";

test("accounts have the names that the system's files give them", (t) => {
  const folder = temporaryDirectory(t);
  const users = join(folder, "passwd");
  writeFileSync(
    users,
    "root:x:0:0:root:/root:/bin/sh\n# no\n\ngit:x:998:0\nlate:x:998:0\nodd:x:\n",
  );
  const groups = join(folder, "group");
  writeFileSync(groups, Buffer.from("wheel:x:0:\nl\xe4nd:x:7:git\n", "latin1"));
  const names = accountNames({ users, groups });
  assert.deepEqual([0, 998, 1].map(names.userName), ["root", "git", ""]);
  assert.deepEqual([0, 7, 998].map(names.groupName), ["wheel", "l\xe4nd", ""]);
});

test("accounts have no names where there are no such files", (t) => {
  const missing = join(temporaryDirectory(t), "none");
  const names = accountNames({ users: missing, groups: missing });
  assert.equal(names.userName(0) + names.groupName(0), "");
});
