/** Files beside HEAD that git reads like references but which hold more than one (gitglossary, "pseudoref"). */
const PSEUDO_REFS: readonly string[] = ["FETCH_HEAD", "MERGE_HEAD"];

const ROOT_REFS: readonly string[] = [
  "HEAD",
  "AUTO_MERGE",
  "BISECT_EXPECTED_REV",
  "NOTES_MERGE_PARTIAL",
  "NOTES_MERGE_REF",
  "MERGE_AUTOSTASH",
];

/** Tells whether git always reads this reference from a file, whatever the ref format. */
export function isPseudoRef(name: string): boolean {
  return PSEUDO_REFS.includes(name);
}

/** Tells whether `git for-each-ref --include-root-refs` lists a name without a slash. */
export function isRootRef(name: string): boolean {
  if (!/^[A-Z_-]*$/.test(name) || isPseudoRef(name)) return false;
  return name.endsWith("_HEAD") || ROOT_REFS.includes(name);
}

/**
 * Tells whether a name that git-check-ref-format refuses is at least no danger: it stays within the
 * repository. Git leaves out such references and gives up on others.
 */
export function isSafeRefName(name: string): boolean {
  if (!name.startsWith("refs/")) return /^[A-Z_]+$/.test(name);
  const components = name.slice("refs/".length).split("/");
  return components.every((component) => !["", ".", ".."].includes(component));
}
