import { create, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { RepositoryFacts } from "../repository/repository-facts.ts";
import type { SeededRandom } from "../repository/seeded-random.ts";

/** How requests name a repository, as GitLab does. */
export interface RepositoryName {
  readonly storageName: string;
  readonly relativePath: string;
  readonly glRepository: string;
  readonly glProjectPath: string;
}

/** What the requests of a case are about. */
export interface Subject {
  readonly repository: RepositoryName;
  readonly facts: RepositoryFacts;
  readonly random: SeededRandom;
  /** Tells the requests of this run from those of others. */
  readonly runId: string;
}

/** One call to make: its messages are encoded ahead, so that the client costs little. */
export interface BenchRequest {
  readonly method: DescMethod;
  readonly messages: readonly Uint8Array[];
}

/** One kind of call that is measured. */
export interface BenchCase {
  readonly name: string;
  readonly method: DescMethod;
  /** What the call may cost at most, in forks, on a repository without a commit-graph. */
  readonly forksMax?: number | undefined;
  /** The repository isn't the same afterwards; such cases get a copy of their own. */
  readonly changes: boolean;
  /** What other cases have changed would disturb it: it gets a copy for itself. */
  readonly isAlone?: boolean;
  /** The repository takes only one such call at a time. */
  readonly isExclusive?: boolean;
  /** Calls that are made once, before anything is measured. */
  preparation?(subject: Subject): readonly BenchRequest[];
  /** Endless for cases that only read. */
  requests(subject: Subject): Iterable<BenchRequest>;
  /** Looks at the bytes of all replies. Default: there are some. */
  succeeded?(replies: Buffer): boolean;
}

/** Requests of a case that repeat: more than servers keep, few enough to make them ahead. */
const POOL = 2048;

/** A case whose calls change nothing. */
export function readCase<M extends DescMethod>(
  name: string,
  method: M,
  make: (subject: Subject) => MessageInitShape<M["input"]>,
  { forksMax, mayBeEmpty = false }: { forksMax?: number; mayBeEmpty?: boolean } = {},
): BenchCase {
  return {
    name,
    method,
    forksMax,
    changes: false,
    ...(mayBeEmpty && { succeeded: () => true }),
    requests: (subject) => {
      const pool = Array.from({ length: POOL }, () => ({
        method,
        messages: [encode(method, make(subject))],
      }));
      return endlessly(pool);
    },
  };
}

/** Makes the messages of a call; calls are numbered from 0 on. */
type MessageMaker<M extends DescMethod> = (call: number) => readonly MessageInitShape<M["input"]>[];

/** A case of which every call is another one. */
export function writeCase<M extends DescMethod>(
  name: string,
  method: M,
  begin: (subject: Subject) => MessageMaker<M>,
  options: Pick<
    BenchCase,
    "forksMax" | "isAlone" | "isExclusive" | "preparation" | "succeeded"
  > = {},
): BenchCase {
  return {
    ...options,
    name,
    method,
    changes: true,
    *requests(subject) {
      const make = begin(subject);
      for (let call = 0; ; call += 1) {
        yield { method, messages: make(call).map((message) => encode(method, message)) };
      }
    },
  };
}

/** Makes the bytes of a request. */
export function encode<M extends DescMethod>(
  method: M,
  message: MessageInitShape<M["input"]>,
): Uint8Array {
  const schema: M["input"] = method.input;
  return toBinary(schema, create(schema, message));
}

function* endlessly<T>(items: readonly T[]): Generator<T, never> {
  for (;;) yield* items;
}
