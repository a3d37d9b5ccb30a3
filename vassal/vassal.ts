// The vassal's side of the conversation with the emperor: hello, the start it is given, every change of state, stop.
// The emperor may vanish at any time; the app goes on, and the next hello tells what runs.
import type { Clock, Timer } from '../lib/clock.ts';
import type { Dialer, DialerOptions } from '../lib/dialer.ts';
import { workerExit } from '../lib/exit-codes.ts';
import { protocolVersion } from '../lib/protocol.ts';
import {
  decodeToVassal,
  type ScaleVassal,
  type StartVassal,
  type ToVassal,
  type VassalHello,
} from '../lib/vassal-messages.ts';
import type { Logger } from './log.ts';
import type { Primary } from './primary.ts';

export interface VassalOptions {
  readonly name: string;
  readonly generation: number;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  dial(events: Pick<DialerOptions, 'hello' | 'onMessage' | 'onLost'>): Dialer;
  /** Nothing is left to do: the program is to end with this code. */
  exit(code: number): void;
}

/** A vassal that nobody tells what to run is of no use; its emperor died between spawning and starting it. */
const startWithinMs = 30_000;

export class Vassal {
  readonly #options: VassalOptions;
  readonly #dialer: Dialer;
  readonly #startTimer: Timer;
  /** Messages are handled one after the other, once the code for that is there. */
  #handled: Promise<void>;
  #start: ((start: StartVassal) => Primary) | undefined;
  #primary: Primary | undefined;
  #isSending = false;
  #isOver = false;

  constructor(options: VassalOptions) {
    this.#options = options;
    this.#startTimer = options.clock.after(startWithinMs, () => {
      options.logger.error('no emperor said what to run; ending');
      this.#end(workerExit.bootError);
    });
    this.#dialer = options.dial({
      hello: () => this.#hello(),
      onMessage: (message) => {
        this.#receive(message);
      },
      onLost: (error) => {
        options.logger.warn({ why: error?.message }, 'the emperor is gone; the app goes on');
      },
    });
    // While the emperor reads our hello and thinks of an answer. A failure is a bug, and ends the program.
    this.#handled = this.#load();
  }

  /** As the message `stop`, for signals. */
  stop(reason: string): void {
    if (this.#primary === undefined) this.#end(workerExit.ok);
    else this.#primary.stop(reason);
  }

  #hello(): VassalHello {
    const { name, generation } = this.#options;
    const primary = this.#primary;
    const running =
      primary === undefined
        ? null
        : {
            spec: primary.start.spec,
            digest: primary.start.digest,
            state: primary.state,
            registrations: primary.registrations,
          };
    return { type: 'hello', role: 'vassal', protocol: protocolVersion, name, generation, pid: process.pid, running };
  }

  async #load(): Promise<void> {
    const [{ Primary }, { native }] = await Promise.all([import('./primary.ts'), import('../native/index.ts')]);
    const { name, generation, env, logger, clock, random } = this.#options;
    this.#start = (start) =>
      new Primary({
        name,
        generation,
        start,
        addon: native.addon,
        env,
        logger,
        clock,
        random,
        onChange: () => {
          this.#tellSoon();
        },
        onEnd: (code) => {
          this.#end(code);
        },
      });
  }

  #receive(message: unknown): void {
    const decoded = decodeToVassal(message);
    if (typeof decoded === 'string') {
      this.#options.logger.warn({ why: decoded }, 'message of the emperor dropped');
      return;
    }
    this.#handled = this.#handled.then(() => {
      if (!this.#isOver) this.#handle(decoded);
    });
  }

  #handle(decoded: ToVassal): void {
    switch (decoded.type) {
      case 'start':
        this.#onStart(decoded);
        return;
      case 'scale':
        this.#onScale(decoded);
        return;
      case 'registrations':
        this.#primary?.register(decoded.registrations);
        return;
      case 'stop':
        this.stop('the emperor said stop');
        return;
    }
  }

  #onStart(start: StartVassal): void {
    if (this.#primary !== undefined) {
      // A doubled message does no harm; another spec is a mistake, for a new spec is a new generation.
      if (start.digest !== this.#primary.start.digest) {
        this.#options.logger.error({ digest: start.digest }, 'told to start another spec while one runs; ignored');
      }
      return;
    }
    this.#startTimer.cancel();
    this.#primary = this.#start?.(start);
    // It tells every outcome by onChange and onEnd; a rejection would be a bug, and ends the program.
    void this.#primary?.run();
  }

  #onScale({ processes }: ScaleVassal): void {
    if (Number.isInteger(processes) && processes >= 1) this.#primary?.scale(processes);
    else this.#options.logger.error({ processes }, 'told to keep no whole number of workers; ignored');
  }

  /** Once per turn of the event loop, however many changes it brought. */
  #tellSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#tell();
    });
  }

  #tell(): void {
    this.#isSending = false;
    if (this.#primary !== undefined) this.#dialer.send(this.#primary.state);
  }

  #end(code: number): void {
    this.#isOver = true;
    this.#startTimer.cancel();
    this.#tell();
    this.#dialer.stop();
    this.#options.logger.info({ code }, 'vassal ends');
    this.#options.exit(code);
  }
}
