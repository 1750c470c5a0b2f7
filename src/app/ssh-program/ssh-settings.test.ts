import assert from "node:assert/strict";
import { test } from "node:test";
import { readSshSettings } from "./ssh-settings.ts";

const GITALY_ADDRESS = "tcp://127.0.0.1:1";

test("readSshSettings sends flags and the correlation id along", () => {
  const { metadata } = readSshSettings({
    GITALY_ADDRESS,
    GITALY_FEATUREFLAGS: "upload_pack_filter:false,hooks_rpc:true,no_truth:maybe,nothing,t:1",
    CORRELATION_ID: "abc",
  });
  assert.deepEqual(metadata, {
    "gitaly-feature-upload-pack-filter": "false",
    "gitaly-feature-hooks-rpc": "true",
    "gitaly-feature-t": "true",
    "x-gitlab-correlation-id": "abc",
  });
});

test("readSshSettings needs an address, and a folder that is there", () => {
  assert.throws(() => readSshSettings({}), { message: "gitaly address can not be empty" });
  const GITALY_WD = "/missing";
  assert.throws(() => readSshSettings({ GITALY_ADDRESS, GITALY_WD }), {
    message: "unable to chdir to /missing",
  });
  const { address } = readSshSettings({ GITALY_ADDRESS: "unix:a/b", GITALY_WD: "/tmp" });
  assert.equal(address, "unix:/tmp/a/b");
});
