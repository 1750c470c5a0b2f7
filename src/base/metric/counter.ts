import {
  type Labels,
  type MetricDefinition,
  renderLabels,
  type Sample,
  SeriesTable,
} from "./series.ts";

/** Only ever goes up. */
export class CounterSeries {
  readonly labels: string;
  value = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  inc(by = 1): void {
    this.value += by;
  }
}

/** Counts events for each combination of labels. Made by `MetricRegistry`. */
export class Counter<L extends string> {
  readonly type = "counter";
  readonly definition: MetricDefinition<L>;
  readonly #series: SeriesTable<L, CounterSeries>;

  constructor(definition: MetricDefinition<L>) {
    this.definition = definition;
    this.#series = new SeriesTable(definition.labels ?? [], (labels) => new CounterSeries(labels));
  }

  /** The series with these labels, to count in often. */
  series(labels: Labels<L>): CounterSeries {
    return this.#series.find(labels);
  }

  inc(labels: Labels<L>, by = 1): void {
    this.#series.find(labels).inc(by);
  }

  *samples(): Generator<Sample> {
    const { name } = this.definition;
    for (const { labels, value } of this.#series.values()) yield { name, labels, value };
  }
}

/** Gives a computed metric's values when somebody asks for them. */
export type Emit<L extends string> = (labels: Labels<L>, value: number) => void;

/** A counter or gauge that keeps nothing: its values are computed when the metrics are read. */
export class ComputedMetric<L extends string> {
  readonly type: "counter" | "gauge";
  readonly definition: MetricDefinition<L>;
  readonly #compute: (emit: Emit<L>) => void;

  constructor(
    type: "counter" | "gauge",
    definition: MetricDefinition<L>,
    compute: (emit: Emit<L>) => void,
  ) {
    this.type = type;
    this.definition = definition;
    this.#compute = compute;
  }

  samples(): readonly Sample[] {
    const { name, labels: names = [] } = this.definition;
    const samples: Sample[] = [];
    this.#compute((labels, value) => {
      samples.push({ name, labels: renderLabels(names, labels), value });
    });
    return samples;
  }
}
