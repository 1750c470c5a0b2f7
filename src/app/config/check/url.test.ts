import assert from "node:assert/strict";
import test from "node:test";
import { urlReason } from "./url.ts";

const VALID = [
  "",
  "*",
  "https://gitlab.example",
  "http://user:p@ss%20word@host:8080/path?query#fragment",
  "unix:///tmp/socket",
  "s3://bucket/prefix?region=eu",
  "//host/path",
  "///path:with:colons",
  "relative/pa:th",
  "mailto:a b",
  "http://h/?%zz",
  "http://[::1]:80/",
  "http://[fe80::1%25eth0]/",
  "gs://a:b:80/",
  "http://%C3%A9/",
];

const INVALID: readonly (readonly [string, string])[] = [
  ["\x7f", 'parse "\\x7f": net/url: invalid control character in URL'],
  ["http://h\x01", 'parse "http://h\\x01": net/url: invalid control character in URL'],
  ["%invalid%", 'parse "%invalid%": invalid URL escape "%in"'],
  ["http://h/#%zz", 'parse "http://h/#%zz": invalid URL escape "%zz"'],
  ["http://h%2", 'parse "http://h%2": invalid URL escape "%2"'],
  ["http+unix://%2Ftmp", 'parse "http+unix://%2Ftmp": invalid URL escape "%2F"'],
  [":x", 'parse ":x": missing protocol scheme'],
  ["1a:b", 'parse "1a:b": first path segment in URL cannot contain colon'],
  ["http://a b/", 'parse "http://a b/": invalid character " " in host name'],
  ["http://a:80x/", 'parse "http://a:80x/": invalid port ":80x" after host'],
  ["http://[::1", "parse \"http://[::1\": missing ']' in host"],
  ["http://[1.2.3.4]/", 'parse "http://[1.2.3.4]/": invalid IP-literal'],
  ["http://a[b]", 'parse "http://a[b]": invalid IP-literal'],
  ["http://[xyz]", 'parse "http://[xyz]": invalid host: ParseAddr("xyz"): unable to parse IP'],
  ["http://u[@h/", 'parse "http://u[@h/": net/url: invalid userinfo'],
  ["http://u%zz@h", 'parse "http://u%zz@h": invalid URL escape "%zz"'],
];

for (const url of VALID) {
  test(`${JSON.stringify(url)} is a URL`, () => {
    assert.equal(urlReason(url), undefined);
  });
}

for (const [url, reason] of INVALID) {
  test(`${JSON.stringify(url)} is no URL`, () => {
    assert.equal(urlReason(url), reason);
  });
}
