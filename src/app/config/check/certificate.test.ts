import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "../../../testing/git-repository.ts";
import { selfSignedCertificate } from "../../../testing/self-signed-certificate.ts";
import { certificateReason } from "./certificate.ts";

const ec = selfSignedCertificate("ec");
const rsa = selfSignedCertificate("rsa");
const otherEc = selfSignedCertificate("ec");
const junk = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
const junkKey = junk.replaceAll("CERTIFICATE", "PRIVATE KEY");

const CASES: readonly (readonly [string, string, string, string | undefined])[] = [
  ["an EC pair", ec.certificate, ec.key, undefined],
  ["an RSA pair", rsa.certificate, rsa.key, undefined],
  ["a chain", ec.certificate + rsa.certificate, ec.key, undefined],
  [
    "another pair's key",
    ec.certificate,
    otherEc.key,
    "key: tls: private key does not match public key",
  ],
  [
    "a key of another type",
    ec.certificate,
    rsa.key,
    "key: tls: private key type does not match public key type",
  ],
  [
    "no PEM for a certificate",
    "hello",
    ec.key,
    "certificate: tls: failed to find any PEM data in certificate input",
  ],
  [
    "no PEM for a key",
    ec.certificate,
    "hello",
    "key: tls: failed to find any PEM data in key input",
  ],
  [
    "two swapped files",
    ec.key,
    ec.certificate,
    "certificate: tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
  ],
  [
    "a certificate for a key",
    ec.certificate,
    ec.certificate,
    "key: tls: found a certificate rather than a key in the PEM for the private key",
  ],
  [
    "other PEM blocks",
    junk.replaceAll("CERTIFICATE", "X"),
    ec.key,
    'certificate: tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [X]',
  ],
  ["a broken certificate", junk, ec.key, "key: x509: malformed certificate"],
  ["a broken key", ec.certificate, junkKey, "key: tls: failed to parse private key"],
];

for (const [what, certificate, key, expected] of CASES) {
  test(`certificateReason on ${what}`, (t) => {
    const folder = temporaryDirectory(t);
    const certificatePath = join(folder, "cert.pem");
    const keyPath = join(folder, "key.pem");
    writeFileSync(certificatePath, certificate);
    writeFileSync(keyPath, key);
    const problem = certificateReason({ certificatePath, keyPath, key: "" });
    const shown = problem && `${problem.concerns}: ${problem.reason}`;
    assert.equal(shown, expected?.replace(": ", ": loading x509 keypair: "));
  });
}

test("the key may stand in the configuration itself", (t) => {
  const certificatePath = join(temporaryDirectory(t), "cert.pem");
  writeFileSync(certificatePath, ec.certificate);
  const source = { certificatePath, keyPath: "" };
  assert.equal(certificateReason({ ...source, key: ec.key }), undefined);
  assert.equal(certificateReason({ ...source, key: "x" })?.concerns, "key");
});
