import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveRemote } from "./resolved-remote.ts";

const ADDRESS = "192.168.0.1";
const BAD_ADDRESS = "resolved address has invalid IPv4/IPv6 address";

test("resolveRemote pins the name of a URL that TLS needs", () => {
  for (const [url, pin] of [
    ["http://example.com/a.git", "example.com:80"],
    ["https://example.com/a.git", "example.com:443"],
    ["https://example.com:1234/a.git", "example.com:1234"],
    ["git://www.example.com/a", "www.example.com:9418"],
  ] as const) {
    const config = [{ key: "http.curloptResolve", value: `${pin}:${ADDRESS}` }];
    assert.deepEqual(resolveRemote(url, ADDRESS), { url, config });
  }
});

test("resolveRemote puts the address in the place of any other name", () => {
  for (const [from, to] of [
    ["ssh://user@example.com/a.git", `ssh://user@${ADDRESS}/a.git`],
    ["ssh://example.com/a.git", `ssh://${ADDRESS}/a.git`],
    ["user@example.com:a/b.git", `user@${ADDRESS}:a/b.git`],
    ["example.com:a/b.git", `${ADDRESS}:a/b.git`],
  ] as const) {
    assert.deepEqual(resolveRemote(from, ADDRESS), { url: to, config: [] });
  }
});

test("resolveRemote refuses what it doesn't understand", () => {
  for (const [url, address, message] of [
    ["", ADDRESS, "URL is empty"],
    ["http://example.com", "", "resolved address is empty"],
    ["http://example.com", "1922.23.2323.2323", BAD_ADDRESS],
    ["http://example.com", "example.com", BAD_ADDRESS],
    ["http://example.com", "fe80::1%eth0", BAD_ADDRESS],
    ["http//foo/bar", ADDRESS, "invalid protocol/URL encountered: http//foo/bar"],
    ["git@example.com/a", ADDRESS, "invalid protocol/URL encountered: git@example.com/a"],
    ["a@b/c.com:/d", ADDRESS, "SSH URLs with '/' before colon are unsupported"],
    [
      "ssh://foo\x7f",
      ADDRESS,
      'couldn\'t parse remoteURL: parse "ssh://foo\\x7f": net/url: invalid control character in URL',
    ],
  ] as const) {
    assert.throws(() => resolveRemote(url, address), { kind: "unknown", message });
  }
});
