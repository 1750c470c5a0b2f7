import { type Labels, type MetricDefinition, type Sample, SeriesTable } from "./series.ts";

/** Goes up and down. */
export class GaugeSeries {
  readonly labels: string;
  value = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  set(value: number): void {
    this.value = value;
  }

  inc(by = 1): void {
    this.value += by;
  }

  dec(by = 1): void {
    this.value -= by;
  }
}

/** Says how much there is now, for each combination of labels. Made by `MetricRegistry`. */
export class Gauge<L extends string> {
  readonly type = "gauge";
  readonly definition: MetricDefinition<L>;
  readonly #series: SeriesTable<L, GaugeSeries>;

  constructor(definition: MetricDefinition<L>) {
    this.definition = definition;
    this.#series = new SeriesTable(definition.labels ?? [], (labels) => new GaugeSeries(labels));
  }

  /** The series with these labels, to change often. */
  series(labels: Labels<L>): GaugeSeries {
    return this.#series.find(labels);
  }

  *samples(): Generator<Sample> {
    const { name } = this.definition;
    for (const { labels, value } of this.#series.values()) yield { name, labels, value };
  }
}
