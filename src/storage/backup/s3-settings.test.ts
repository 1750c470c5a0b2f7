import assert from "node:assert/strict";
import { test } from "node:test";
import { parseS3Url } from "./s3-settings.ts";

test("the URL of a bucket tells where it is and how to talk to it", () => {
  const { bucket, endpoint, pathStyle, requestChecksums, region } = parseS3Url(
    "s3://name?region=eu&endpoint=my.minio.local:8080&disable_https=true&s3ForcePathStyle=1",
  );
  assert.deepEqual([bucket, region, endpoint], ["name", "eu", "http://my.minio.local:8080"]);
  assert.equal(pathStyle, true);
  assert.equal(requestChecksums, "WHEN_REQUIRED");
});

test("Amazon's own storage is talked to with what Amazon's library chooses", () => {
  const { endpoint, pathStyle, https, requestChecksums } = parseS3Url("s3://name");
  assert.deepEqual([endpoint, requestChecksums], [undefined, undefined]);
  assert.deepEqual([pathStyle, https], [false, true]);
  const chosen = parseS3Url("s3://n?endpoint=http://x&request_checksum_calculation=when_supported");
  assert.equal(chosen.requestChecksums, "WHEN_SUPPORTED");
});

const BUCKET = "open bucket s3://name?";

for (const [query, reason] of [
  ["disableSSL=true", `${BUCKET}disableSSL=true: unknown query parameter "disableSSL"`],
  [
    "fips=maybe",
    `${BUCKET}fips=maybe: invalid value for fips: strconv.ParseBool: parsing "maybe": invalid syntax`,
  ],
  [
    "use_path_style=x",
    'invalid value for "use_path_style": strconv.ParseBool: parsing "x": invalid syntax',
  ],
  ["ssetype=rot13", '"rot13" is not a valid value for "ssetype"'],
] as const) {
  test(`a bucket's URL with ${query} is refused`, () => {
    const message = `failed to create object storage sink: sink: open bucket: ${reason}`;
    assert.throws(() => parseS3Url(`s3://name?${query}`), { kind: "failed-precondition", message });
  });
}
