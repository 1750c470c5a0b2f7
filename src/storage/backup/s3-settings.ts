import { quoteText } from "../../base/text/quote-text.ts";
import { SinkError } from "./backup-sink.ts";

/** When to send or check checksums of what is transferred. */
export type ChecksumUse = "WHEN_SUPPORTED" | "WHEN_REQUIRED";

/** Where a bucket is and how to talk to whoever keeps it. */
export interface S3Settings {
  readonly bucket: string;
  /** What all names in the bucket start with; it needn't end with a slash. */
  readonly prefix: string;
  /** Undefined for what the environment or the shared configuration says. */
  readonly region: string | undefined;
  /** With its scheme; undefined for Amazon's own. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly https: boolean;
  readonly accelerate: boolean;
  readonly dualstack: boolean;
  readonly fips: boolean;
  /** Requests aren't signed. */
  readonly anonymous: boolean;
  /** A profile of the shared configuration; undefined for the usual one. */
  readonly profile: string | undefined;
  readonly requestChecksums: ChecksumUse | undefined;
  readonly responseChecksums: ChecksumUse | undefined;
  /** How stored blobs are encrypted; undefined for what the bucket does by itself. */
  readonly encryption: Encryption | undefined;
  readonly encryptionKeyId: string | undefined;
}

const ENCRYPTIONS = ["AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"] as const;
export type Encryption = (typeof ENCRYPTIONS)[number];

const CHECKSUM_USES = ["WHEN_SUPPORTED", "WHEN_REQUIRED"] as const;

const PARAMETERS: ReadonlySet<string> = new Set([
  "accelerate",
  "anonymous",
  "awssdk",
  "disable_https",
  "dualstack",
  "endpoint",
  "fips",
  "hostname_immutable",
  "key",
  "kmskeyid",
  "prefix",
  "profile",
  "rate_limiter_capacity",
  "region",
  "request_checksum_calculation",
  "response_checksum_validation",
  "s3ForcePathStyle",
  "ssetype",
  "use_path_style",
]);

/** What Go CDK knows of S3, and not of all of Amazon's services; it words problems in two ways. */
const OF_S3: ReadonlySet<string> = new Set([
  "accelerate",
  "disable_https",
  "s3ForcePathStyle",
  "use_path_style",
]);

/**
 * Reads the URL of a bucket as Go CDK has it: `s3://bucket?region=…&endpoint=…&prefix=…`.
 *
 * @throws SinkError for a parameter that nobody knows, or a value that it can't have
 */
export function parseS3Url(url: string): S3Settings {
  const { host: bucket, searchParams: query } = new URL(url);
  if (bucket === "") throw refusal("s3blob.OpenBucket: bucketName is required");
  const parameters = new Parameters(url, query);
  parameters.refuseUnknown();
  const https = !parameters.truth("disable_https");
  const endpoint = endpointOf(parameters.text("endpoint"), https);
  // Others than Amazon often don't know the newer checksums.
  const usual = endpoint === undefined ? undefined : "WHEN_REQUIRED";
  return {
    bucket,
    prefix: parameters.text("prefix") ?? "",
    region: parameters.text("region"),
    endpoint,
    https,
    pathStyle:
      parameters.truth("use_path_style") ||
      parameters.truth("s3ForcePathStyle") ||
      parameters.truth("hostname_immutable"),
    accelerate: parameters.truth("accelerate"),
    dualstack: parameters.truth("dualstack"),
    fips: parameters.truth("fips"),
    anonymous: parameters.truth("anonymous"),
    profile: parameters.text("profile"),
    requestChecksums: parameters.oneOf("request_checksum_calculation", CHECKSUM_USES) ?? usual,
    responseChecksums: parameters.oneOf("response_checksum_validation", CHECKSUM_USES) ?? usual,
    encryption: parameters.oneOf("ssetype", ENCRYPTIONS),
    encryptionKeyId: parameters.text("kmskeyid"),
  };
}

function endpointOf(text: string | undefined, https: boolean): string | undefined {
  if (text === undefined || /^https?:\/\//.test(text)) return text;
  return `${https ? "https" : "http"}://${text}`;
}

/** The query of a URL; an empty value is none. */
class Parameters {
  readonly #url: string;
  readonly #query: URLSearchParams;

  constructor(url: string, query: URLSearchParams) {
    this.#url = url;
    this.#query = query;
  }

  refuseUnknown(): void {
    for (const name of this.#query.keys()) {
      if (!PARAMETERS.has(name)) throw this.#problem(`unknown query parameter ${quoteText(name)}`);
    }
  }

  text(name: string): string | undefined {
    const value = this.#query.get(name);
    return value === null || value === "" ? undefined : value;
  }

  truth(name: string): boolean {
    const value = this.text(name) ?? "false";
    if (/^(1|t|true)$/i.test(value)) return true;
    if (/^(0|f|false)$/i.test(value)) return false;
    const reason = `strconv.ParseBool: parsing ${quoteText(value)}: invalid syntax`;
    throw OF_S3.has(name)
      ? refusal(`invalid value for ${quoteText(name)}: ${reason}`)
      : this.#problem(`invalid value for ${name}: ${reason}`);
  }

  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = values.find((each) => each.toLowerCase() === text.toLowerCase());
    if (value !== undefined) return value;
    if (name === "ssetype") {
      throw refusal(`${quoteText(text)} is not a valid value for ${quoteText(name)}`);
    }
    throw this.#problem(
      `invalid value for ${quoteText(name)}: ${quoteText(text)}. ` +
        "Valid values are: when_supported, when_required",
    );
  }

  #problem(reason: string): SinkError {
    return refusal(`open bucket ${this.#url}: ${reason}`);
  }
}

function refusal(reason: string): SinkError {
  const message = `failed to create object storage sink: sink: open bucket: ${reason}`;
  return new SinkError(message, reason);
}
