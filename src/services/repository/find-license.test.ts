import assert from "node:assert/strict";
import { test } from "node:test";
import licenses from "spdx-license-list/full.js";
import type { FindLicenseResponse } from "../../proto/repository_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

function commit({ git, gitLine }: ServedRepository, files: Readonly<Record<string, string>>): void {
  const lines = Object.entries(files).map(([name, input]) => {
    const blob = gitLine(["hash-object", "-w", "--stdin"], { input });
    return `100644 blob ${blob}\t${name}\n`;
  });
  const tree = gitLine(["mktree"], { input: lines.join("") });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
}

function textOf(id: string): string {
  const text = licenses[id]?.licenseText;
  assert.ok(text);
  return text;
}

function shown(reply: FindLicenseResponse): string[] {
  const { licenseShortName, licenseName, licenseUrl, licensePath, licenseNickname } = reply;
  return [licenseShortName, licensePath, licenseName, licenseUrl, licenseNickname];
}

const MIT = ["mit", "LICENSE", "MIT License", "https://opensource.org/licenses/MIT", ""];
const APACHE_URL = "https://www.apache.org/licenses/LICENSE-2.0";

test("findLicense tells the license of a project", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository } = served;
  const find = async (files: Readonly<Record<string, string>>): Promise<string[]> => {
    commit(served, files);
    return shown(await client.findLicense({ repository }));
  };
  const mit = textOf("MIT").replace("<year> <copyright holders>", "2026 Somebody\n\nAnd others");
  const wrapped = mit.replaceAll(", ", ",\r\n  ").toUpperCase();
  assert.deepEqual(await find({ LICENSE: mit }), MIT);
  assert.deepEqual(await find({ LICENSE: wrapped }), MIT);
  assert.deepEqual(await find({ "mit.txt": mit, LICENSE: "mit.txt\n" }), MIT.with(1, "mit.txt"));
  assert.deepEqual(await find({ "LICENSE.html": `<p>${mit}</p>` }), MIT.with(1, "LICENSE.html"));
  assert.deepEqual(await find({ LICENSE: textOf("CC-BY-4.0") }), [
    ...["cc-by-4.0", "LICENSE", "Creative Commons Attribution 4.0 International"],
    ...["https://creativecommons.org/licenses/by/4.0", ""],
  ]);
  assert.deepEqual(await find({ COPYING: textOf("GPL-2.0") }), [
    ...["gpl-2.0", "COPYING", "GNU General Public License v2.0 only"],
    ...["https://www.gnu.org/licenses/old-licenses/gpl-2.0-standalone.html", "GNU GPLv2"],
  ]);
  const noted = `Note this.\n\n------\n\n${textOf("GPL-3.0+")}`;
  assert.deepEqual((await find({ COPYING: noted })).slice(0, 3), [
    ...["gpl-3.0+", "COPYING", "GNU General Public License v3.0 or later"],
  ]);
  const apache = `Used: [Apache](${APACHE_URL})`;
  assert.deepEqual(await find({ LICENSE: mit, "LICENSE-3RD-PARTY.md": apache }), MIT);
  assert.deepEqual(await find({ "LICENSE-3RD-PARTY.md": apache }), [
    ...["apache-2.0", "LICENSE-3RD-PARTY.md", "Apache License 2.0", APACHE_URL, ""],
  ]);
  assert.deepEqual(await find({ "LICENSE.md": "like no other license" }), [
    ...["other", "LICENSE.md", "Other", "", "LICENSE"],
  ]);
  assert.deepEqual(await find({ README: `under MIT license\n${mit}` }), ["", "", "", "", ""]);
});

test("findLicense tells nothing of an empty repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository } = server.repository({ format });
    assert.deepEqual(shown(await client.findLicense({ repository })), ["", "", "", "", ""]);
  }
  await assertRepositoryErrors((address) =>
    client.findLicense({ ...(address && { repository: address }) }),
  );
});
