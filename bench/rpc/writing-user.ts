/** Who makes the changes. */
export const WRITING_USER: {
  readonly glId: string;
  readonly glUsername: string;
  readonly name: Uint8Array;
  readonly email: Uint8Array;
  readonly timezone: string;
} = {
  glId: "user-1",
  glUsername: "bench",
  name: Buffer.from("Bench"),
  email: Buffer.from("bench@example.com"),
  timezone: "UTC",
};
