/** The labels of one series by name. A metric without labels takes `{}`. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** What a metric is called and told apart by. */
export interface MetricDefinition<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** One line of the text format: a name, labels already rendered, a value. */
export interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** Clients choose some label values; more series than these share one whose labels say `other`. */
export const SERIES_MAX = 10_000;

const OVERFLOW = "other";

/**
 * The series of one metric by their labels.
 *
 * Finding a series costs more than counting in it: whoever counts often keeps what `find` returned.
 */
export class SeriesTable<L extends string, S> {
  readonly #names: readonly L[];
  readonly #make: (labels: string) => S;
  readonly #series = new Map<string, S>();

  constructor(names: readonly L[], make: (labels: string) => S) {
    this.#names = names;
    this.#make = make;
    // A metric without labels is there from the start, with 0.
    if (names.length === 0) this.#add("", "");
  }

  find(labels: Labels<L>): S {
    let key = "";
    for (const name of this.#names) key += `${labels[name]}\0`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size < SERIES_MAX) return this.#add(key, renderLabels(this.#names, labels));
    return this.#series.get(OVERFLOW) ?? this.#add(OVERFLOW, this.#overflowLabels());
  }

  values(): IterableIterator<S> {
    return this.#series.values();
  }

  #add(key: string, labels: string): S {
    const series = this.#make(labels);
    this.#series.set(key, series);
    return series;
  }

  #overflowLabels(): string {
    return this.#names.map((name) => `${name}="${OVERFLOW}"`).join(",");
  }
}

/** `a="1",b="2"`, in the order of `names`. */
export function renderLabels<L extends string>(names: readonly L[], labels: Labels<L>): string {
  return names.map((name) => `${name}="${escapeLabel(labels[name])}"`).join(",");
}

function escapeLabel(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
