// The router's end of control.sock: it says what it is, obeys, and acknowledges. When the emperor is gone it goes on
// by the table it holds, and says hello to the next one.
import type { Clock } from '../../lib/clock.ts';
import { Dialer } from '../../lib/dialer.ts';
import type { Logger } from '../../lib/log.ts';
import { protocolVersion } from '../../lib/protocol.ts';
import { decodeToRouter, type RouterHello, type ToRouter } from '../../lib/router-messages.ts';
import type { Server } from './server.ts';

export interface ControlLinkOptions {
  readonly path: string;
  readonly id: number;
  readonly transport: { readonly name: string; readonly reason: string };
  readonly server: Server;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  onShutdown(graceMs: number, idleMs: number): void;
}

const statsEveryMs = 1000;

export class ControlLink {
  readonly #options: ControlLinkOptions;
  readonly #dialer: Dialer;
  readonly #reporting: NodeJS.Timeout;
  /** Mark of the counters that were sent last. */
  #reported: string | undefined;

  constructor(options: ControlLinkOptions) {
    this.#options = options;
    const { path, clock, random, log } = options;
    this.#dialer = new Dialer({
      path,
      clock,
      random,
      hello: () => this.#hello(),
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onLost: (error) => {
        log.warn({ err: error }, 'lost the emperor; serving goes on by the present routes');
      },
    });
    this.#reporting = setInterval(() => {
      this.#reportStats();
    }, statsEveryMs);
  }

  /** Targets that are out of the table became free. */
  reportApplied(): void {
    if (this.#options.server.routesVersion > 0) this.#dialer.send(this.#options.server.applied);
  }

  /** Sends the last counters and hangs up. */
  stop(): void {
    clearInterval(this.#reporting);
    this.#reportStats();
    this.#dialer.stop();
  }

  #hello(): RouterHello {
    const { id, transport, server } = this.#options;
    this.#reported = undefined;
    return {
      type: 'hello',
      role: 'router',
      protocol: protocolVersion,
      id,
      pid: process.pid,
      transport: transport.name,
      transportReason: transport.reason,
      listen: server.listen,
      routesVersion: server.routesVersion,
      isEnding: server.isEnding,
    };
  }

  #onMessage(raw: unknown): void {
    const message = decodeToRouter(raw);
    if (typeof message === 'string') {
      this.#options.log.warn({ problem: message }, 'dropped a message of the emperor');
      return;
    }
    this.#obey(message);
  }

  #obey(message: ToRouter): void {
    const { server } = this.#options;
    switch (message.type) {
      case 'configure':
        server.configure(message);
        break;
      case 'routes':
        server.publish(message);
        this.reportApplied();
        break;
      case 'shutdown':
        this.#options.onShutdown(message.graceMs, message.idleMs);
        break;
      case 'pass-listeners':
        server.passListeners(message.path);
        break;
      case 'probe':
        server.probe(message, (answer) => {
          this.#dialer.send(answer);
        });
        break;
    }
  }

  #reportStats(): void {
    const { server } = this.#options;
    const { activity } = server;
    if (activity === this.#reported) return;
    this.#reported = activity;
    this.#dialer.send(server.stats);
  }
}
