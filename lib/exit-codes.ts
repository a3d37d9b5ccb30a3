// Exit codes are a protocol between processes: a parent decides by them, so they are named once, here.

/** What the `emperor` command exits with. */
export const cliExit = { ok: 0, failed: 1, usage: 2, badConfig: 3 } as const;

/**
 * What a worker or a vassal primary exits with. The numbers of `bootError` and `cannotLoad` are gunicorn's
 * (WORKER_BOOT_ERROR, APP_LOAD_ERROR), which operators know.
 */
export const workerExit = {
  ok: 0,
  /** Our own start failed before the app was touched. */
  bootError: 3,
  /** The app's code could not be loaded: missing module, syntax error, thrown at top level, no handler. */
  cannotLoad: 4,
} as const;
