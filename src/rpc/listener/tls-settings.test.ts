import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { selfSignedCertificate } from "../../testing/self-signed-certificate.ts";
import { readTlsIdentity } from "./tls-settings.ts";

interface Files {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly pem: string;
}

async function files(t: TestContext, certificate?: string, key?: string): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), "tls-settings-"));
  t.after(() => rm(folder, { recursive: true }));
  const made = selfSignedCertificate();
  const pem = key ?? made.key;
  await writeFile(join(folder, "certificate"), certificate ?? made.certificate);
  await writeFile(join(folder, "key"), pem);
  return { certificatePath: join(folder, "certificate"), keyPath: join(folder, "key"), pem };
}

test("certificate and key are read, the key from a file or given itself", async (t) => {
  const { certificatePath, keyPath, pem } = await files(t);
  const shared = { certificatePath, minVersion: "TLS 1.3" } as const;
  const fromFile = await readTlsIdentity({ ...shared, key: { path: keyPath } });
  const given = await readTlsIdentity({ ...shared, key: { pem } });
  assert.equal(String(fromFile.key), given.key);
  assert.equal(given.minVersion, "TLSv1.3");
});

test("a file that is missing is named by its setting", async (t) => {
  const { certificatePath, keyPath } = await files(t);
  const shared = { certificatePath, minVersion: "TLS 1.2" } as const;
  await assert.rejects(readTlsIdentity({ ...shared, key: { path: "/nowhere" } }), {
    setting: "key_path",
  });
  const settings = { ...shared, certificatePath: "/nowhere", key: { path: keyPath } };
  await assert.rejects(readTlsIdentity(settings), { setting: "certificate_path" });
});

test("what is no certificate, no key, or another's key is refused", async (t) => {
  const minVersion = "TLS 1.2";
  const text = await files(t, "no certificate");
  const good = await files(t);
  const stranger = { pem: selfSignedCertificate().key };
  const { certificatePath } = good;
  await assert.rejects(
    readTlsIdentity({ certificatePath: text.certificatePath, minVersion, key: { pem: good.pem } }),
    { setting: "certificate_path", message: "loading x509 keypair" },
  );
  await assert.rejects(readTlsIdentity({ certificatePath, minVersion, key: { pem: "no key" } }), {
    setting: "key",
  });
  await assert.rejects(readTlsIdentity({ certificatePath, minVersion, key: stranger }), {
    setting: "key",
  });
});
