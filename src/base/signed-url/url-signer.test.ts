import assert from "node:assert/strict";
import { test } from "node:test";
import { UrlSigner } from "./url-signer.ts";

const SECRET = Buffer.from("super-secret-key");
const NAME = "de fault/a~b*(é)!'+%&.git/uri/default.bundle";
const EXPIRY = 1_795_393_101;

test("UrlSigner signs as Go CDK does", () => {
  const signer = new UrlSigner({ baseUrl: "https://h.example/b?x=1&a=ü#frag", secret: SECRET });
  assert.equal(
    signer.sign(NAME, EXPIRY),
    "https://h.example/b?a=%C3%BC&expiry=1795393101&method=GET" +
      "&obj=de+fault%2Fa~b%2A%28%C3%A9%29%21%27%2B%25%26.git%2Furi%2Fdefault.bundle" +
      "&signature=v_SrCcNCx5nazjXjAENkAvSwUW0f4qZqmQ8BuOIoklM&x=1#frag",
  );
});

test("UrlSigner knows its own URLs until they expire", () => {
  const signer = new UrlSigner({ baseUrl: "http://h/b", secret: SECRET });
  const query = (change: (values: URLSearchParams) => void = () => undefined) => {
    const values = new URL(signer.sign(NAME, EXPIRY)).searchParams;
    change(values);
    return values;
  };
  assert.equal(signer.verify(query(), EXPIRY), NAME);
  assert.equal(signer.verify(query(), EXPIRY + 1), undefined);
  const changes: Record<string, string> = {
    obj: "other",
    expiry: String(EXPIRY + 9),
    method: "PUT",
    signature: "v_SrCcNCx5nazjXjAENkAvSwUW0f4qZqmQ8BuOIoklN",
  };
  for (const [key, value] of Object.entries(changes)) {
    assert.equal(
      signer.verify(
        query((values) => values.set(key, value)),
        EXPIRY,
      ),
      undefined,
    );
    assert.equal(
      signer.verify(
        query((values) => values.delete(key)),
        EXPIRY,
      ),
      undefined,
    );
  }
  const other = new UrlSigner({ baseUrl: "http://h/b", secret: Buffer.from("another") });
  assert.equal(other.verify(query(), EXPIRY), undefined);
});
