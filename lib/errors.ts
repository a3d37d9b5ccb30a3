// The one base error of the three programs and the list of its codes. Expected failures are returned as
// values; an EmperorError is thrown for an unusable environment and is shown to the user as it stands.

/** Every code that can reach a user; `docs/errors.md` explains each, and a test keeps the two lists equal. */
export const errorCodes = [
  'EMP_ADDRESS_INVALID',
  'EMP_ADDRESS_IN_USE',
  'EMP_ADDRESS_DENIED',
  'EMP_APP_STOPPED',
  'EMP_CHANNEL_PROTOCOL',
  'EMP_CONFIG_INVALID',
  'EMP_ENDING',
  'EMP_NOT_APPLICABLE',
  'EMP_NOT_REGISTERED',
  'EMP_NOT_RUNNING',
  'EMP_NO_EARLIER_GENERATION',
  'EMP_PATH_TOO_LONG',
  'EMP_RUN_DIR_IN_USE',
  'EMP_RUN_DIR_UNUSABLE',
  'EMP_TOO_MANY',
  'EMP_TRANSPORT_UNAVAILABLE',
  'EMP_UNKNOWN_APP',
  'EMP_UPGRADE_REFUSED',
  'EMP_VALUE_INVALID',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error meant for the user: `message` says what and where, `hint` what to do about it. */
export class EmperorError extends Error {
  override readonly name = 'EmperorError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The errno name (`ENOENT`, `EACCES`, …) of a system error, else undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The message of whatever was thrown, for a log line or a problem. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
