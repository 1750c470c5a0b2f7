import { randomFillSync } from "node:crypto";

/** Crockford's base 32: no I, L, O or U. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** Random bytes that are taken from the system at a time: each time costs more than an identifier. */
const POOL_BYTES = RANDOM_DIGITS * 256;

/** Makes universally unique identifiers of 26 characters that sort by the time of their making. */
export class UlidSource {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  /** Bytes of the pool that are used up. */
  #used = POOL_BYTES;

  /** 48 bits of milliseconds since the epoch, then 80 random bits. */
  next(nowMs: number): string {
    let time = "";
    for (let rest = nowMs, index = 0; index < TIME_DIGITS; index++) {
      time = digit(rest % 32) + time;
      rest = Math.floor(rest / 32);
    }
    let random = "";
    for (let index = 0; index < RANDOM_DIGITS; index++) random += digit(this.#byte() % 32);
    return time + random;
  }

  #byte(): number {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    return this.#pool[this.#used++] ?? 0;
  }
}

function digit(value: number): string {
  return DIGITS.charAt(value);
}
