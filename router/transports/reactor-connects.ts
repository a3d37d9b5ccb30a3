// How streams of the reactor get connected: to unix sockets, which answer at once, to numeric addresses, and to hosts
// whose name has to be looked up first.
import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Timer } from '../../lib/clock.ts';
import { connectInProgress, type Reactor } from '../../native/reactor.ts';
import { NamedHost } from './reactor-named-host.ts';
import type { ReactorStream } from './reactor-stream.ts';
import { targetAddress } from './target-address.ts';

export interface ConnectsOptions {
  readonly reactor: Reactor;
  after(delayMs: number, fire: () => void): Timer;
  /** The stream has this number from now on. */
  onNumber(stream: ReactorStream, number: number): void;
}

export class ReactorConnects {
  readonly #options: ConnectsOptions;
  readonly #namedHosts = new Map<ReactorStream, NamedHost>();

  constructor(options: ConnectsOptions) {
    this.#options = options;
  }

  /** Begins to connect the stream, which is told how it went in a later turn. */
  begin(stream: ReactorStream, target: string): void {
    const { reactor } = this.#options;
    const address = targetAddress(target);
    if (address.kind === 'tcp' && isIP(address.host) === 0) {
      this.#beginByName(stream, address.host, address.port);
      return;
    }
    const result =
      address.kind === 'unix' ? reactor.connectUnix(address.path) : reactor.connectTcp(address.host, address.port);
    const failure = this.#take(stream, result);
    if (failure !== undefined) stream.onFailure(failure);
  }

  onConnected(stream: ReactorStream): void {
    if (this.#namedHosts.size === 0) return;
    this.#namedHosts.get(stream)?.end();
    this.#namedHosts.delete(stream);
  }

  /** A stream was closed by a fault. True: it was still to be connected, and there are other addresses to try. */
  onClosed(stream: ReactorStream, code: string | undefined): boolean {
    if (this.#namedHosts.size === 0) return false;
    const host = this.#namedHosts.get(stream);
    if (host === undefined) return false;
    stream.onNoNumber();
    host.next(code ?? 'ECONNRESET');
    return true;
  }

  #beginByName(stream: ReactorStream, name: string, port: number): void {
    const host = new NamedHost({
      host: name,
      after: (delayMs, fire) => this.#options.after(delayMs, fire),
      isWanted: () => {
        if (stream.isGone) this.#namedHosts.delete(stream);
        return !stream.isGone;
      },
      attempt: (address) => this.#take(stream, this.#options.reactor.connectTcp(address, port)),
      abandon: () => {
        stream.abandon();
      },
      onFailure: (code) => {
        this.#namedHosts.delete(stream);
        stream.onFailure(code);
      },
    });
    this.#namedHosts.set(stream, host);
  }

  /** Gives the stream what a connect returned, or returns the name of its errno. */
  #take(stream: ReactorStream, result: number): string | undefined {
    if (result < 0) return getSystemErrorName(result);
    const number = result & ~connectInProgress;
    this.#options.onNumber(stream, number);
    const isConnected = number === result;
    if (isConnected) this.onConnected(stream);
    stream.onNumber(number, isConnected);
    return undefined;
  }
}
