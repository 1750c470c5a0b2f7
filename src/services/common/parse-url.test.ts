import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostAndPort, InvalidUrlError, parseUrl, urlText } from "./parse-url.ts";

test("parseUrl takes URLs apart, and urlText puts them together", () => {
  for (const [text, expected = text] of [
    ["https://joe:pa%21ss@example.com:80/a b?x#f", "https://joe:pa%21ss@example.com:80/a%20b?x#f"],
    ["HTTP://example.com/p%2Fq"],
    ["file:///a/b"],
    ["/dev/null"],
    ["foo/bar"],
    ["mailto:joe@example.com"],
    ["http://[::1]:80/x"],
    ["http://h?"],
    ["http://h/#", "http://h/"],
    ["*"],
    [""],
  ] as const) {
    assert.equal(urlText(parseUrl(text)), expected.replace("HTTP", "http"));
  }
  const { user, host, path } = parseUrl("https://joe:pass%21%3F%40@192.0.2.1/a.git");
  assert.deepEqual(
    [user, host, path],
    [{ name: "joe", password: "pass!?@" }, "192.0.2.1", "/a.git"],
  );
  assert.deepEqual(parseUrl("ssh://git@h/x").user, { name: "git", password: undefined });
});

test("parseUrl says what is wrong in words that clients know", () => {
  for (const [text, problem] of [
    ["git@example.com:a", "first path segment in URL cannot contain colon"],
    ["://x", "missing protocol scheme"],
    ["http://h:abc/", 'invalid port ":abc" after host'],
    ["http://a b/", 'invalid character " " in host name'],
    ["http://[::1/", "missing ']' in host"],
    ["http://%zz/", 'invalid URL escape "%zz"'],
    ["http://h/%z", 'invalid URL escape "%z"'],
    ["http://u^@h/", "net/url: invalid userinfo"],
    ["http://h/\n", "net/url: invalid control character in URL"],
  ] as const) {
    const message = `parse ${JSON.stringify(text)}: ${problem}`;
    assert.throws(() => parseUrl(text), { message });
  }
  assert.throws(() => parseUrl("", { strict: true }), { message: 'parse "": empty url' });
  assert.throws(() => parseUrl("a", { strict: true }), {
    message: 'parse "a": invalid URI for request',
  });
});

test("parseUrl either refuses a text or understands what it makes of it", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((s) => `http://${s}`),
      ),
      (text) => {
        try {
          const again = urlText(parseUrl(text));
          assert.equal(urlText(parseUrl(again)), again);
        } catch (error) {
          assert.ok(error instanceof InvalidUrlError, String(error));
        }
      },
    ),
  );
});

test("hostAndPort parts a host from its port", () => {
  assert.deepEqual(hostAndPort("h:80"), { hostname: "h", port: "80" });
  assert.deepEqual(hostAndPort("h"), { hostname: "h", port: "" });
  assert.deepEqual(hostAndPort("h:"), { hostname: "h", port: "" });
  assert.deepEqual(hostAndPort("[::1]:443"), { hostname: "::1", port: "443" });
  assert.deepEqual(hostAndPort("[::1]"), { hostname: "::1", port: "" });
});
