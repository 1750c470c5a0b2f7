/**
 * Tells which references `transfer.hideRefs` hides from clients (git-config).
 *
 * Each value is the name of a reference or of a directory of references. The last value that
 * matches decides: one with `!` shows again what an earlier one hides. One with `^` (behind the
 * `!`) is compared with the full name, others with the name in the client's namespace.
 */
export class HiddenRefs {
  /** Hides the same as any other that has the same text. */
  readonly text: string;
  readonly #rules: readonly Rule[];

  /** `values` are binary strings in the order of the configuration. */
  constructor(values: readonly string[]) {
    this.text = values.join("\0");
    this.#rules = values.map(parseRule).toReversed();
  }

  /**
   * Tells whether a reference is hidden. `name` is undefined for one outside of the client's
   * namespace; without namespaces both names are the same.
   */
  isHidden(name: string | undefined, fullName: string | undefined = name): boolean {
    for (const rule of this.#rules) {
      const subject = rule.isFull ? fullName : name;
      if (subject !== undefined && isAtOrBelow(subject, rule.name)) return rule.hides;
    }
    return false;
  }
}

interface Rule {
  readonly name: string;
  readonly hides: boolean;
  readonly isFull: boolean;
}

function parseRule(value: string): Rule {
  let end = value.length;
  while (value[end - 1] === "/") end--;
  let name = value.slice(0, end);
  const hides = !name.startsWith("!");
  if (!hides) name = name.slice(1);
  const isFull = name.startsWith("^");
  return { name: isFull ? name.slice(1) : name, hides, isFull };
}

function isAtOrBelow(subject: string, name: string): boolean {
  if (!subject.startsWith(name)) return false;
  return subject.length === name.length || subject[name.length] === "/";
}
