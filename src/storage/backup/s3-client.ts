import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-settings.ts";

/** The part of the process's environment that Amazon's library for Node doesn't read by itself. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Anybody's region will do where there are none. */
const REGION_OF_OTHERS = "us-east-1";

/**
 * Makes a client for a bucket. Credentials come from where Amazon's libraries look for them: the
 * environment, the shared configuration, or the machine's role.
 */
export function createS3Client(settings: S3Settings, environment: Environment): S3Client {
  const { endpoint, profile, requestChecksums, responseChecksums, anonymous } = settings;
  const region = regionOf(settings, environment);
  const config: S3ClientConfig = {
    forcePathStyle: settings.pathStyle,
    useAccelerateEndpoint: settings.accelerate,
    useDualstackEndpoint: settings.dualstack,
    useFipsEndpoint: settings.fips,
    tls: settings.https,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(requestChecksums !== undefined && { requestChecksumCalculation: requestChecksums }),
    ...(responseChecksums !== undefined && { responseChecksumValidation: responseChecksums }),
    ...(anonymous && { signer: { sign: async (request) => request } }),
  };
  return new S3Client(config);
}

function regionOf({ region, endpoint }: S3Settings, environment: Environment): string | undefined {
  const found = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
  return found ?? (endpoint === undefined ? undefined : REGION_OF_OTHERS);
}
