// What an exchange needs of the client connection that its request came on.
import type { Buffer } from 'node:buffer';
import type { FailureCause } from '../core/triage.ts';
import type { RequestHead } from '../http1/message.ts';
import type { ByteStream } from '../transports/transport.ts';

/**
 * `keep`: the connection serves the next request. `close`: it ends after the answer. `cut`: at once, which the client
 * sees because its answer is not whole. `reset`: at once, and in a way that it cannot take for a regular end.
 */
export type Fate = 'keep' | 'close' | 'cut' | 'reset';

/** A page that the router answers with itself. */
export interface OwnPage {
  readonly cause: FailureCause;
  readonly status: number;
  readonly message: string;
  readonly requestId: string;
  readonly closes: boolean;
  /** `name/generation` of the worker that was asked, if that is told. */
  readonly generation: string | undefined;
  readonly head: RequestHead;
}

export interface ExchangeClient {
  readonly stream: ByteStream;
  readonly address: string;
  readonly isTrusted: boolean;
  /** 0 … 1, drawn once for the connection: which side of a rollout its requests are served by. */
  readonly fraction: number;
  /** The client ended its direction. */
  readonly hasEnded: boolean;
  /** Nothing more will come after this request. */
  readonly isAtEnd: boolean;
  /** Bytes of the request's body that did not arrive yet; 0 where nobody knows. */
  readonly bodyLeft: number;
  /** Asks the exchange anew (`limit`) how long to wait for what. */
  watch(): void;
  /** Stops or goes on reading the request's body. */
  holdBody(isHeld: boolean): void;
  /** Returns the bytes of the page's body. */
  sendPage(page: OwnPage): number;
  onExchangeOver(fate: Fate): void;
  /** Gives the connection to a tunnel; returns bytes that came behind the request. */
  detach(): Buffer | undefined;
  /** Both of the tunnel's connections are closed. */
  onTunnelGone(): void;
}
