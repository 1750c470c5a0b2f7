/** Commits of one page, as a power of two. */
const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** Up to 32 marks for each commit of a `CommitStore`; memory is taken for those that get some. */
export class CommitFlags {
  readonly #pages: (Uint32Array | undefined)[] = [];

  /** The marks of a commit. */
  get(commit: number): number {
    return this.#pages[commit >>> PAGE_BITS]?.[commit & PAGE_MASK] ?? 0;
  }

  /** `true` when the commit has one of the marks. */
  has(commit: number, marks: number): boolean {
    return (this.get(commit) & marks) !== 0;
  }

  add(commit: number, marks: number): void {
    const page = this.#pageOf(commit);
    page[commit & PAGE_MASK] = (page[commit & PAGE_MASK] ?? 0) | marks;
  }

  remove(commit: number, marks: number): void {
    const page = this.#pageOf(commit);
    page[commit & PAGE_MASK] = (page[commit & PAGE_MASK] ?? 0) & ~marks;
  }

  /** Adds the marks and returns `true` when the commit had none of them. */
  addNew(commit: number, marks: number): boolean {
    const page = this.#pageOf(commit);
    const old = page[commit & PAGE_MASK] ?? 0;
    page[commit & PAGE_MASK] = old | marks;
    return (old & marks) === 0;
  }

  #pageOf(commit: number): Uint32Array {
    const known = this.#pages[commit >>> PAGE_BITS];
    if (known !== undefined) return known;
    const page = new Uint32Array(1 << PAGE_BITS);
    this.#pages[commit >>> PAGE_BITS] = page;
    return page;
  }
}
