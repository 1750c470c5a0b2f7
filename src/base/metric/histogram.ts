import { type Labels, type MetricDefinition, type Sample, SeriesTable } from "./series.ts";

export interface HistogramDefinition<L extends string> extends MetricDefinition<L> {
  /** Upper bounds, ascending; a last one without a bound is added. */
  readonly buckets: readonly number[];
}

/** How often values fell below each bound. */
export class HistogramSeries {
  readonly labels: string;
  readonly bounds: readonly number[];
  /** One more than there are bounds; not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(labels: string, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }
}

/** The distribution of values for each combination of labels. Made by `MetricRegistry`. */
export class Histogram<L extends string> {
  readonly type = "histogram";
  readonly definition: HistogramDefinition<L>;
  readonly #series: SeriesTable<L, HistogramSeries>;

  constructor(definition: HistogramDefinition<L>) {
    this.definition = definition;
    const { labels = [], buckets } = definition;
    this.#series = new SeriesTable(labels, (rendered) => new HistogramSeries(rendered, buckets));
  }

  /** The series with these labels, to observe in often. */
  series(labels: Labels<L>): HistogramSeries {
    return this.#series.find(labels);
  }

  observe(labels: Labels<L>, value: number): void {
    this.#series.find(labels).observe(value);
  }

  *samples(): Generator<Sample> {
    const { name } = this.definition;
    for (const { labels, bounds, counts, sum } of this.#series.values()) {
      const prefix = labels === "" ? "" : `${labels},`;
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        const bound = bounds[index] ?? "+Inf";
        yield { name: `${name}_bucket`, labels: `${prefix}le="${bound}"`, value: total };
      }
      yield { name: `${name}_sum`, labels, value: sum };
      yield { name: `${name}_count`, labels, value: total };
    }
  }
}
