/** What stands before a goal. */
export function verdict(met: boolean): string {
  return met ? "goal" : "missed";
}
