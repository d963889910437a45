/**
 * A SAML message was refused. `check` names what it failed: stable, written into the log and asserted by
 * tests. The text may be shown to the person; it never quotes the message itself.
 */
export class SamlRefusal extends Error {
  override readonly name = 'SamlRefusal';
  readonly check: string;
  readonly provider: string | undefined;

  constructor(check: string, message: string, options: { provider?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.check = check;
    this.provider = options.provider;
  }
}

/** Says whose message it was, for the log and for reading that provider's metadata anew. */
export const withProvider = (error: unknown, provider: string): unknown =>
  error instanceof SamlRefusal && error.provider === undefined
    ? new SamlRefusal(error.check, error.message, { provider, cause: error.cause })
    : error;

export const fromProvider = <T>(provider: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw withProvider(error, provider);
  }
};
