import { type KeyMaterial, parseKeyMaterial } from "./openpgp-key-material.ts";
import {
  invalidData,
  OpenpgpKeyError,
  PACKET,
  type Packet,
  readPackets,
} from "./openpgp-packets.ts";
import { parseSignaturePacket, type SignaturePacket } from "./openpgp-signature-packet.ts";

/** A primary key or a subkey with what the primary key says about it. */
export interface OpenpgpSubkey {
  readonly material: KeyMaterial;
  /** What binds the key to its user or to the primary key; the newest, if any. */
  readonly binding: SignaturePacket | undefined;
  readonly revocations: readonly SignaturePacket[];
}

/** A private key of OpenPGP with its subkeys, as gpg exports it. */
export interface OpenpgpKey {
  readonly primary: OpenpgpSubkey;
  readonly subkeys: readonly OpenpgpSubkey[];
}

const KEY_REVOCATION = 0x20;
const SUBKEY_REVOCATION = 0x28;
const USER_ID_REVOCATION = 0x30;
const FLAG_SIGN = 2;
const KEY_COMPROMISED = 2;

/**
 * Reads a private key in OpenPGP's binary form. What its packets say is taken as it is: a key file
 * belongs to the administrator. Throws an OpenpgpKeyError.
 */
export function parseOpenpgpKey(bytes: Buffer): OpenpgpKey {
  const [first, ...others] = understoodPackets(bytes);
  if (first === undefined) throw new OpenpgpKeyError("EOF");
  if (first.key === undefined || first.packet.tag !== PACKET.secretKey) {
    throw invalidData("first packet was not a public/private key");
  }
  if (first.key.kind === undefined) {
    throw invalidData("primary key cannot be used for signatures");
  }
  const groups = groupByKey(first.key, others);
  const [primary, ...subkeys] = groups;
  const bound = subkeys.map(subkeyOf);
  return { primary: primaryOf(primary), subkeys: bound };
}

/** The key that signs at a time (in seconds since 1970): the newest valid subkey, or the primary. */
export function signingKeyAt(key: OpenpgpKey, time: number): KeyMaterial | undefined {
  const { primary } = key;
  if (primary.binding === undefined || !isValidAt(primary, time)) return undefined;
  const candidates = key.subkeys.filter((subkey) => canSign(subkey) && isValidAt(subkey, time));
  const [newest] = candidates.sort((a, b) => (b.binding?.created ?? 0) - (a.binding?.created ?? 0));
  if (newest !== undefined) return newest.material;
  return canSign(primary) ? primary.material : undefined;
}

/** Keys that may have made a signature of an issuer (the end of a fingerprint). */
export function signersById(key: OpenpgpKey, issuer: Buffer): readonly OpenpgpSubkey[] {
  return [key.primary, ...key.subkeys].filter(
    (subkey) => canSign(subkey) && subkey.material.fingerprint.subarray(-8).equals(issuer),
  );
}

/** Whether a key may be used at a time: neither too young, nor expired or revoked. */
export function isValidAt(
  { material, binding, revocations }: OpenpgpSubkey,
  time: number,
): boolean {
  if (material.created > time || binding === undefined) return false;
  const { keyLifetime } = binding;
  if (keyLifetime > 0 && time > material.created + keyLifetime) return false;
  const isRevoked = revocations.some(
    (revocation) =>
      revocation.revocationReason === KEY_COMPROMISED || !isSignatureExpired(revocation, time),
  );
  return !isRevoked && !isSignatureExpired(binding, time);
}

/** Whether a signature isn't valid yet, or no longer. */
export function isSignatureExpired({ created, lifetime }: SignaturePacket, time: number): boolean {
  return created > time || (lifetime > 0 && time > created + lifetime);
}

function canSign({ material, binding }: OpenpgpSubkey): boolean {
  return material.kind !== undefined && ((binding?.keyFlags ?? 0) & FLAG_SIGN) !== 0;
}

interface UnderstoodPacket {
  readonly packet: Packet;
  readonly key?: KeyMaterial;
  readonly signature?: SignaturePacket;
}

/** Packets that aren't understood are passed over. */
function* understoodPackets(bytes: Buffer): Generator<UnderstoodPacket, void> {
  for (const packet of readPackets(bytes)) {
    const { tag, body } = packet;
    if (tag === PACKET.secretKey || tag === PACKET.secretSubkey) {
      const key = parseKeyMaterial(body);
      if (key !== undefined) yield { packet, key };
    } else if (tag === PACKET.signature) {
      const signature = parseSignaturePacket(body);
      if (signature !== undefined) yield { packet, signature };
    } else if (tag === PACKET.userId) yield { packet };
  }
}

interface KeyGroup {
  readonly material: KeyMaterial;
  /** The signatures behind the key itself, then those behind each user. */
  readonly signatures: SignaturePacket[][];
}

function groupByKey(
  first: KeyMaterial,
  packets: readonly UnderstoodPacket[],
): [KeyGroup, ...KeyGroup[]] {
  const primary: KeyGroup = { material: first, signatures: [[]] };
  const groups: [KeyGroup, ...KeyGroup[]] = [primary];
  for (const { packet, key, signature } of packets) {
    if (packet.tag === PACKET.secretKey) break;
    const group = groups.at(-1) ?? primary;
    if (key !== undefined) groups.push({ material: key, signatures: [[]] });
    else if (signature === undefined) group.signatures.push([]);
    else group.signatures.at(-1)?.push(signature);
  }
  return groups;
}

function primaryOf({ material, signatures }: KeyGroup): OpenpgpSubkey {
  const [direct = [], ...users] = signatures;
  const id = material.fingerprint.subarray(-8);
  const own = users
    .map((user) => user.filter(({ issuer }) => issuer.equals(id)))
    .filter((user) => user.length > 0);
  if (own.length === 0) throw invalidData("entity without any identities");
  const [preferred = []] = own.sort((a, b) => rank(b) - rank(a));
  const binding = newest(preferred.filter(({ type }) => type !== USER_ID_REVOCATION));
  const revocations = [
    ...direct.filter(({ type }) => type === KEY_REVOCATION),
    ...preferred.filter(({ type }) => type === USER_ID_REVOCATION),
  ];
  return { material, binding, revocations };
}

/** Users that aren't revoked come first, then the one marked as primary, then the newest. */
function rank(user: readonly SignaturePacket[]): number {
  const isRevoked = user.some(({ type }) => type === USER_ID_REVOCATION);
  const binding = newest(user.filter(({ type }) => type !== USER_ID_REVOCATION));
  const marked = binding?.isPrimaryUserId === true ? 2 ** 33 : 0;
  return (isRevoked ? -(2 ** 34) : 0) + marked + (binding?.created ?? 0);
}

function subkeyOf({ material, signatures }: KeyGroup): OpenpgpSubkey {
  const all = signatures.flat();
  const revocations = all.filter(({ type }) => type === SUBKEY_REVOCATION);
  const binding = newest(all.filter(({ type }) => type !== SUBKEY_REVOCATION));
  if (binding === undefined) throw invalidData("subkey packet not followed by signature");
  return { material, binding, revocations };
}

function newest(signatures: readonly SignaturePacket[]): SignaturePacket | undefined {
  return signatures.reduce<SignaturePacket | undefined>(
    (best, one) => (best === undefined || one.created > best.created ? one : best),
    undefined,
  );
}
