// A client connection that is with a worker, as the router keeps it: by a descriptor that it neither reads nor writes.
import type { Addressee, Streak } from '../../core/handoff.ts';
import type { ByteStream } from '../../transports/transport.ts';
import type { WorkerChannel } from './worker-channel.ts';

/** A client connection as the hand-off sees it. */
export interface HandoffClient {
  readonly stream: ByteStream;
  readonly address: string;
  /** Its forwarded fields are believed, which is the router's business. */
  readonly isTrusted: boolean;
  /** Kept here, written by the hand-off only. */
  streak: Streak | undefined;
  /** Between two requests, and nothing of it waits, neither to be read nor to be sent. */
  readonly isAtRest: boolean;
  /** Its stream is of no use from now on. */
  onHandedOver(away: AwayConnection): void;
  /** It is the router's again, between two requests. `hasIdled`: it has had its time of that at the worker. */
  onHandedBack(stream: ByteStream, hasIdled: boolean): void;
  /** It had its last answer, and is to be read out and closed. */
  onHandedBackToEnd(stream: ByteStream): void;
  /** It is closed. */
  onClose(code: string | undefined): void;
}

export class AwayConnection {
  readonly client: HandoffClient;
  /** Ours; the worker has another. */
  readonly fd: number;
  readonly addressee: Addressee;
  readonly channel: WorkerChannel;
  readonly slot: number;
  /** The worker was asked to give it back. */
  isRecalled = false;
  /** It was cut: the descriptor is closed, and only the slot is still to be heard of. */
  isCut = false;

  constructor(client: HandoffClient, { fd, addressee, channel, slot }: Place) {
    this.client = client;
    this.fd = fd;
    this.addressee = addressee;
    this.channel = channel;
    this.slot = slot;
  }
}

type Place = Pick<AwayConnection, 'fd' | 'addressee' | 'channel' | 'slot'>;
