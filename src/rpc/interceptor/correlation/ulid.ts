import { randomBytes } from "node:crypto";

/** Crockford's base 32: no I, L, O or U. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/**
 * A universally unique identifier of 26 characters that sorts by the time of its making.
 *
 * 48 bits of milliseconds since the epoch, then 80 random bits.
 */
export function createUlid(nowMs: number): string {
  let time = "";
  for (let rest = nowMs, index = 0; index < TIME_DIGITS; index++) {
    time = digit(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let random = "";
  for (const byte of randomBytes(RANDOM_DIGITS)) random += digit(byte % 32);
  return time + random;
}

function digit(value: number): string {
  return DIGITS.charAt(value);
}
