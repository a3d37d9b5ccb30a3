// The contract of the native reactor: what TypeScript and C++ exchange, number by number. It moves bytes between
// sockets in batches and knows no HTTP: one call into TypeScript per wake-up with everything that happened, one batch
// of commands back. native/src/reactor/protocol.h says the same in C++, and `layout` proves at load that it does.

/** Int32 values of one event, and of one command. */
export const recordLength = 4;

/**
 * Events: [kind, stream, a, b]. A stream is a small number (a slot), used again after it was closed, and only then: not
 * within the batch whose commands closed it.
 */
export const eventKinds = {
  /** A client connected. a: listener and port; b: its IPv4 address, first octet in the highest byte. */
  acceptedV4: 1,
  /** a: listener and port; b: where its 16 bytes of IPv6 address lie in the slab. */
  acceptedV6: 2,
  /** A client of a unix socket. a: listener. */
  acceptedUnix: 3,
  /** Bytes arrived. a: offset in the slab; b: length. They stay until the commands of this batch were executed. */
  data: 4,
  /** The peer ended its direction. */
  ended: 5,
  /** Everything that waited for the peer's reading is with the kernel. */
  drained: 6,
  /** A connect that was in progress succeeded. */
  connected: 7,
  /**
   * The stream is gone, its descriptor closed. a: errno; 0 where both directions had ended and everything was sent, and
   * after `finish`. What TypeScript closes itself is not told.
   */
  closed: 8,
  /** A relay ended, whole or not: a and b are the low and high 32 bits of the bytes moved. Told of the reading side. */
  relayed: 9,
  /** Accepting failed for want of something (EMFILE, ENOMEM …); the listener is muted now. stream: listener; a: errno. */
  refused: 10,
} as const;

/** Commands: [kind, stream, a, b], carried out in their order. One for a stream that is gone is ignored. */
export const commandKinds = {
  /** Sends bytes of `outgoing`. a: offset; b: length. Neighbours for the same stream leave by one system call. */
  send: 1,
  /** Sends bytes of the slab, within the batch that brought them. a: offset; b: length. */
  sendSlab: 2,
  /** Ends our direction after what was sent. */
  end: 3,
  /** Closes at once; what the kernel did not take yet is dropped. */
  close: 4,
  /** As close, by RST where the socket is TCP. */
  reset: 5,
  /** No data and no end are told until `resume`. What waits for the peer still goes out. */
  pause: 6,
  resume: 7,
  /**
   * As end, and with the end of what was sent it closes where nothing that the peer sent is unread (which would reset the
   * connection): that is told. Where something is, it is as end.
   */
  finish: 8,
} as const;

/** Added to a stream's number by `connect` while the kernel still connects. */
export const connectInProgress = 0x4000_0000;

/** The client's TCP port in the `a` of an accepted connection lies above so many bits of the listener's number. */
export const portShift = 16;

export interface ReactorOptions {
  /** The most streams at a time; as many as the process may have descriptors. */
  readonly capacity: number;
  /** Bytes of the slab and of `outgoing`. */
  readonly slabBytes: number;
  readonly outgoingBytes: number;
  /** The most events of a batch, and the most commands. */
  readonly mostEvents: number;
  readonly mostCommands: number;
  /** The most bytes of one stream in one batch. */
  readonly readBytes: number;
  /** What may wait for one peer before its stream is closed with ENOBUFS: the writer ignored `pending`. */
  readonly mostPendingBytes: number;
}

export interface Reactor {
  /** Received bytes of the present batch. */
  readonly slab: Uint8Array;
  /** Where TypeScript puts what `send` commands name. Free again once the commands were executed. */
  readonly outgoing: Uint8Array;
  readonly events: Int32Array;
  readonly commands: Int32Array;
  /** By stream: bytes that were sent and that the kernel has not taken yet. */
  readonly pending: Uint32Array;

  /** Carries commands out now, in the middle of a batch or outside of one. The slab stays as it is. */
  execute(commandCount: number): void;
  /**
   * Accepts on a listening descriptor, which stays the caller's, once it is unmuted. Returns the listener's number.
   * `tcp`: it gets TCP_NODELAY, keep-alive probes and TCP_DEFER_ACCEPT, which its connections inherit.
   */
  listen(fd: number, tcp: boolean): number;
  /** Leaves connections in the kernel's queue, or takes them again. */
  muteListener(listener: number, isMuted: boolean): void;
  /** Accepts no more; the descriptor stays open. The number is used again. */
  closeListener(listener: number): void;
  /**
   * Connects to a unix socket or a numeric TCP address. Returns the stream's number, which is connected already, or that
   * plus `connectInProgress`; or a negative errno, and then there is no stream.
   */
  connectUnix(path: string): number;
  connectTcp(host: string, port: number): number;
  /**
   * Moves the next `bytes` (up to 2 ** 53 - 1) that arrive on `from` to `to` without telling; `relayed` says how it
   * ended. Meanwhile `from` may be paused; `to` may be sent nothing. 0 bytes are ended at once.
   */
  relay(from: number, to: number, bytes: number): void;
  /** Ends a relay before its time; `relayed` is told in the next batch. */
  stopRelay(from: number): void;
  /** Bytes that the running relay has moved so far. */
  relayedBytes(from: number): number;
  /**
   * Takes the stream out of the reactor and returns its descriptor, the caller's from now on; -1 where bytes still wait
   * for the peer or a relay runs. Nothing of it is told any more.
   */
  detach(stream: number): number;
  /** Takes up a connected socket, whose descriptor is the reactor's from now on; returns the stream's number. */
  adopt(fd: number): number;
  /** Closes every stream and tells nothing any more. */
  close(): void;
}

/** The tables above, by which an addon that was compiled with others is found out. */
export const reactorLayout = { recordLength, eventKinds, commandKinds, connectInProgress, portShift } as const;

export interface ReactorAddon {
  /** Throws ENOTSUP where the system has no epoll. */
  createReactor(options: ReactorOptions, onBatch: (eventCount: number) => number): Reactor;
  /** What the addon was compiled with; equal to `reactorLayout`, or it is of no use. */
  reactorLayout(): unknown;
}
