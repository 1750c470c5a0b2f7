import { DomainError } from "../../base/error/domain-error.ts";
import { jsonProblem } from "../../base/text/json-problem.ts";
import { quoteText } from "../../base/text/quote-text.ts";

/**
 * The fields of a JSON object from another program.
 *
 * What is left out or null reads as empty, zero or false. What has another type throws a DomainError
 * that names the field by its path.
 */
export class JsonFields {
  readonly #path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(value: unknown, path: string) {
    if (!isObject(value)) throw unexpected(path);
    this.#path = path;
    this.#values = value;
  }

  /** Parses the text of an object. Throws a DomainError when it is none. */
  static parse(json: string): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (cause) {
      const reason = jsonProblem(Buffer.from(json).toString("latin1")) ?? "invalid JSON";
      throw new DomainError("internal", reason, { cause });
    }
    return new JsonFields(value, "");
  }

  text(name: string): string {
    const value = this.#values[name] ?? "";
    if (typeof value !== "string") throw unexpected(this.#pathOf(name));
    return value;
  }

  texts(name: string): string[] {
    return this.#array(name).map((value) => {
      if (typeof value !== "string") throw unexpected(this.#pathOf(name));
      return value;
    });
  }

  flag(name: string): boolean {
    const value = this.#values[name] ?? false;
    if (typeof value !== "boolean") throw unexpected(this.#pathOf(name));
    return value;
  }

  /** A number that isn't negative, which may also be written as a text. */
  integer(name: string): bigint {
    const value = this.#values[name] ?? 0;
    const isNumber = typeof value === "number" || typeof value === "string";
    if (!isNumber || !/^\d{1,20}$/.test(String(value))) throw unexpected(this.#pathOf(name));
    return BigInt(value);
  }

  /** Undefined when there is none. */
  object(name: string): JsonFields | undefined {
    const value = this.#values[name] ?? undefined;
    return value === undefined ? undefined : new JsonFields(value, this.#pathOf(name));
  }

  list(name: string): JsonFields[] {
    return this.#array(name).map((value) => new JsonFields(value, this.#pathOf(name)));
  }

  #array(name: string): readonly unknown[] {
    const value = this.#values[name] ?? [];
    if (!Array.isArray(value)) throw unexpected(this.#pathOf(name));
    return value;
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected(path: string): DomainError {
  return new DomainError("internal", `unexpected value of ${quoteText(path)}`);
}
