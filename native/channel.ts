// Channels between two processes of one machine: connections of a SEQPACKET unix socket, whose messages keep their
// boundaries and may each bring a descriptor. And memory that both see.

/** One end of a channel. It does not keep the event loop alive by itself. */
export interface DescriptorChannel {
  /**
   * Sends one message, of 1 byte to `longestChannelMessage`, with at most one descriptor, which stays the caller's too.
   * False: too much is unread at the other end, or on its way to there; try again later. Throws a system error where
   * the channel is of no use any more, which `onEnd` tells as well, unless it was closed.
   */
  send(bytes: Uint8Array, descriptors: readonly number[]): boolean;
  /** Nothing is told any more; may be called again, and from within a callback. What was sent still arrives. */
  close(): void;
}

export const longestChannelMessage = 64 * 1024;

export interface ChannelHandler {
  /**
   * `bytes` are the receiver's. So are the descriptors: one, or none, also where one was sent and this process had no
   * room for it.
   */
  onMessage(bytes: Uint8Array, descriptors: readonly number[]): void;
  /**
   * Called once, the last of all: the other end closed it, or its process ended, and all that it sent was told.
   * `code`: the errno name where it was a fault.
   */
  onEnd(code: string | undefined): void;
}

export interface ChannelServer {
  /** Accepts no more; channels go on. May be called again. Leaves the socket's file: its directory's owner removes it. */
  close(): void;
}

export interface SharedBytes {
  /** To be sent to the other process, and closed by the caller; the memory stays. */
  readonly fd: number;
  /** Zeroes at first. The memory lives as long as this, or any other mapping of it. */
  readonly bytes: Uint8Array;
}

/** Linux only: elsewhere each throws ENOTSUP. System errors and wrong arguments as in NativeAddon. */
export interface ChannelAddon {
  /**
   * Binds `path` with that mode (as listenUnix) and takes up who connects: `onChannel` is given each new channel and
   * returns who is told of its messages. It does not keep the event loop alive by itself.
   */
  openChannelServer(
    path: string,
    mode: number,
    onChannel: (channel: DescriptorChannel) => ChannelHandler,
  ): ChannelServer;
  /** Never waits: EAGAIN where the server's queue is full, ECONNREFUSED or ENOENT where there is none. */
  connectChannel(path: string, handler: ChannelHandler): DescriptorChannel;
  /** Memory of `size` bytes (1 to 2 ** 30) that can neither shrink nor grow, for another process to map. */
  createSharedBytes(size: number): SharedBytes;
  /**
   * Maps the first `size` bytes of what createSharedBytes made, in this process or another; the descriptor stays the
   * caller's. EINVAL where it is no such memory, or smaller.
   */
  mapSharedBytes(fd: number, size: number): Uint8Array;
}
