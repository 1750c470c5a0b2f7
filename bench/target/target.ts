/** A server that is measured. Disposing gives back what the bench has made there. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  /** As `dial` takes it. */
  readonly address: string;
  readonly token: string | undefined;
  readonly storageName: string;
  /** Where the storage lies on this machine, when the bench may write there. */
  readonly storagePath: string | undefined;
  /** The server's first process, when it runs on this machine. */
  readonly pid: number | undefined;
}
