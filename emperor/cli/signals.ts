// What signals mean to a running emperor. They are caught from the first moment on: one that comes while the emperor
// is still starting is kept until it can be obeyed, for what was started by then must be ended too.
import type { Logger } from '../../lib/log.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Emperor } from '../emperor.ts';

/** A second signal so soon is the same key press: npm and some shells pass on what the terminal sends us anyway. */
const sameKeyPressMs = 200;

export class Signals {
  readonly #log: Logger;
  #emperor: Emperor | undefined;
  #readAgain: (() => void) | undefined;
  readonly #clock: Clock;
  #endedAtMs: number | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    process.on('SIGINT', this.#onEnd);
    process.on('SIGTERM', this.#onEnd);
    process.on('SIGHUP', this.#onHangUp);
  }

  /** TERM and INT drain and end the emperor, a second one kills; HUP calls `readAgain`. */
  obey(emperor: Emperor, readAgain: () => void): void {
    this.#emperor = emperor;
    this.#readAgain = readAgain;
    if (this.#endedAtMs !== undefined) this.#end(emperor);
  }

  readonly #onEnd = (signal: NodeJS.Signals): void => {
    const nowMs = this.#clock.nowMs();
    const isSecond = this.#endedAtMs !== undefined;
    if (nowMs - (this.#endedAtMs ?? -Infinity) < sameKeyPressMs) return;
    this.#log.info({ signal }, isSecond ? 'hurrying' : 'draining');
    this.#endedAtMs ??= nowMs;
    if (this.#emperor === undefined) return;
    if (isSecond) this.#emperor.hurry();
    else this.#end(this.#emperor);
  };

  readonly #onHangUp = (): void => {
    // While the emperor starts everything is read anyway.
    this.#readAgain?.();
  };

  #end(emperor: Emperor): void {
    // It cannot reject; the command returns when `ended` resolves.
    void emperor.end();
  }
}
