/**
 * Checks who imports whom below src/ against `layers/table.ts`.
 *
 * Not dependency-cruiser: its reader of syntax trees stops at `using` declarations.
 */
import { join } from "node:path";
import { findViolations } from "./layers/find-violations.ts";

const { moduleCount, importCount, violations } = findViolations(
  join(import.meta.dirname, "../src"),
);
for (const violation of violations) console.log(violation);
console.log(
  `layers: ${moduleCount} modules, ${importCount} imports, ${violations.length} violations`,
);
process.exitCode = violations.length > 0 ? 1 : 0;
