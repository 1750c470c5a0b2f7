/** How GitLab is reached; the fields are those of the configuration's section `[gitlab]`. */
export interface ApiSettings {
  /** `http://`, `https://` or `http+unix://` with the path of a socket, percent-encoded or not. */
  readonly url: string;
  /** Where GitLab stands below its socket. */
  readonly relativeUrlRoot: string;
  readonly http: {
    /** For a whole request; 0 for the built-in limit. */
    readonly readTimeoutSeconds: number;
    readonly user: string;
    readonly password: string;
    /** Further certificates to trust, beside the system's; empty without. */
    readonly caFile: string;
    readonly caPath: string;
  };
  readonly secretFile: string;
  /** The secret itself; wins over the file. */
  readonly secret: string;
}

/** The certificate that this server shows GitLab, in PEM. */
export interface ClientCertificate {
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
}
