import { DomainError } from "../../base/error/domain-error.ts";

/** Why an entry of a tree can't be found or changed. */
export type TreeEditProblem =
  | "entry not found"
  | "entry already exists"
  | "path contains traversal"
  | "path is absolute"
  | "path is empty"
  | "disallowed path";

/** A tree can't be edited as asked. */
export class TreeEditError extends DomainError {
  readonly problem: TreeEditProblem;

  constructor(problem: TreeEditProblem) {
    super("unknown", problem);
    this.problem = problem;
  }
}

/** What was made of a tree is something that git refuses to write. */
export class MalformedTreeError extends DomainError {
  constructor() {
    super("internal", "writing tree: exit status 128");
  }
}
