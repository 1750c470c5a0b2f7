import { OID_HEX_LENGTH } from "../../git/oid/oid.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import type { RangeDiffRequest, RawRangeDiffRequest } from "../../proto/diff_pb.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type ComparedDirectory, withObjectFormat } from "./compare.ts";

/** What git is asked for when two versions of a range of commits are compared. */
export interface RangeComparison {
  readonly directory: ComparedDirectory;
  readonly command: GitCommand;
}

/** Checks a request that compares ranges, finds its repository, and tells what to ask git. */
export function compareRanges(
  locator: RepositoryLocator,
  request: RangeDiffRequest | RawRangeDiffRequest,
  flags: readonly string[],
): RangeComparison {
  const located = locateRepository(locator, request.repository);
  const args = rangesOf(request.rangeSpec);
  const directory = withObjectFormat(located, "detecting object hash");
  const abbrev = `--abbrev=${OID_HEX_LENGTH[directory.objectFormat]}`;
  return { directory, command: { name: "range-diff", flags: [...flags, abbrev], args } };
}

function rangesOf(spec: RangeDiffRequest["rangeSpec"]): string[] {
  switch (spec.case) {
    case "rangePair": {
      const { range1, range2 } = spec.value;
      if (range1 === "") throw invalidArgument("empty Range1");
      if (range2 === "") throw invalidArgument("empty Range2");
      return [range1, range2];
    }
    case "revisionRange": {
      const { rev1, rev2 } = spec.value;
      checkRevisions(rev1, rev2);
      return [`${rev1}...${rev2}`];
    }
    case "baseWithRevisions": {
      const { base, rev1, rev2 } = spec.value;
      checkRevisions(rev1, rev2);
      if (base === "") throw invalidArgument("empty Base");
      return [base, rev1, rev2];
    }
    default:
      // Git says what is missing.
      return [];
  }
}

function checkRevisions(rev1: string, rev2: string): void {
  if (rev1 === "") throw invalidArgument("empty Rev1");
  if (rev2 === "") throw invalidArgument("empty Rev2");
}
