import ssh2 from "ssh2";

const RSA_BITS = 3072;
const ECDSA_BITS = 256;

/** The kinds of keys that clients of any age can choose from, best first. */
export const KEY_KINDS = ["ed25519", "ecdsa", "rsa"] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** A pair in OpenSSH's formats: the private key's armour, the public key's line. */
export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/** Makes a pair that ssh2 itself and OpenSSH can read. */
export function generateKeyPair(kind: KeyKind, comment?: string): KeyPair {
  for (;;) {
    const pair = generate(kind, comment === undefined ? {} : { comment });
    // One of 200 Ed25519 keys of ssh2 lacks a byte: it drops a leading zero.
    const keys = [pair.private, pair.public].map((text) => ssh2.utils.parseKey(text));
    if (!keys.some((key) => key instanceof Error)) return pair;
  }
}

function generate(kind: KeyKind, options: { readonly comment?: string }): KeyPair {
  switch (kind) {
    case "ed25519":
      return ssh2.utils.generateKeyPairSync("ed25519", options);
    case "ecdsa":
      return ssh2.utils.generateKeyPairSync("ecdsa", { ...options, bits: ECDSA_BITS });
    case "rsa":
      return ssh2.utils.generateKeyPairSync("rsa", { ...options, bits: RSA_BITS });
  }
}
