import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKeyPair } from "../ssh/generate-key-pair.ts";
import { AuthorizedKeyError, SshAccess } from "./ssh-access.ts";

function key(comment: string): { readonly line: string; readonly blob: Buffer } {
  const { public: line } = generateKeyPair("ed25519", comment);
  const blob = Buffer.from(line.split(" ")[1] ?? "", "base64");
  return { line, blob };
}

test("SshAccess admits everybody as long as there is no key", () => {
  const access = new SshAccess(["", "# nobody"]);
  assert.equal(access.open, true);
  assert.equal(access.admit(Buffer.from("any"))?.username, "anonymous");
});

test("SshAccess knows holders of keys by the keys' comments", () => {
  const ada = key("ada@laptop");
  const nameless = key("");
  const access = new SshAccess([`  ${ada.line}\r`, "", nameless.line]);
  assert.equal(access.open, false);
  assert.deepEqual(access.admit(ada.blob), { id: "key-1", username: "ada@laptop" });
  assert.deepEqual(access.admit(nameless.blob), { id: "key-2", username: "key 2" });
  assert.equal(access.admit(key("other").blob), undefined);
});

test("SshAccess refuses lines that are no keys", () => {
  assert.throws(() => new SshAccess([key("ada").line, "ssh-ed25519 AAAA"]), AuthorizedKeyError);
  assert.throws(() => new SshAccess(["nonsense"]), /authorized key 1 is no public key/);
});
