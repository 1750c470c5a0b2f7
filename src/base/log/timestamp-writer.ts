/**
 * Writes times as `2026-05-30T18:08:03.123`.
 *
 * All but the milliseconds is kept from one time to the next of the same second: busy servers write
 * several thousand a second, and formatting a date is as dear as the rest of a log line.
 */
export class TimestampWriter {
  readonly #isLocal: boolean;
  #second = Number.NaN;
  #written = "";

  /** Times are in the time zone of the process when `zone` is `local`. */
  constructor(zone: "utc" | "local") {
    this.#isLocal = zone === "local";
  }

  /** `milliseconds` since the epoch, whole or not. */
  write(milliseconds: number): string {
    const second = Math.floor(milliseconds / 1000);
    if (second !== this.#second) {
      this.#written = this.#format(second * 1000);
      this.#second = second;
    }
    const rest = Math.floor(milliseconds) - second * 1000;
    if (rest < 10) return `${this.#written}.00${rest}`;
    return rest < 100 ? `${this.#written}.0${rest}` : `${this.#written}.${rest}`;
  }

  #format(milliseconds: number): string {
    const date = new Date(milliseconds);
    if (this.#isLocal) date.setTime(milliseconds - date.getTimezoneOffset() * 60_000);
    return date.toISOString().slice(0, -".000Z".length);
  }
}
