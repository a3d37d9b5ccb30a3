// Passing the listening sockets on: to an emperor that adopted the router and has none of its own. The receiver gets
// descriptors (SCM_RIGHTS) and one line of JSON that names their addresses; with more descriptors than one send can
// carry, the line comes in as many pieces. Whatever fails, the router goes on listening.
import { Buffer } from 'node:buffer';
import { closeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { errnoOf, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { native } from '../../native/index.ts';
import { descriptorOf } from '../transports/descriptor-of.ts';

export interface PassedListener {
  readonly address: string;
  /** Closed in any case; undefined where there is none that could be sent. */
  readonly fd: number | undefined;
}

interface HandoverOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

interface Piece {
  readonly bytes: Buffer;
  readonly descriptors: readonly number[];
}

const mostPerSend = 64;
const retryMs = 10;
/** The receiver has so long to take it all. */
const longestMs = 5000;

export function passListeners(path: string, listeners: readonly PassedListener[], options: HandoverOptions): void {
  const { clock, log } = options;
  const sent = listeners.flatMap(({ address, fd }) => (fd === undefined ? [] : [{ address, fd }]));
  const isPassable = native.addon !== undefined && sent.length === listeners.length;
  if (!isPassable) log.warn({ path, missing: native.missing }, 'listening sockets cannot be passed on');
  const socket = isPassable ? connect(path) : undefined;
  const pieces = cut(
    Buffer.from(`${JSON.stringify({ listen: sent.map(({ address }) => address) })}\n`),
    sent.map(({ fd }) => fd),
  );
  const release = (): void => {
    for (const { fd } of sent) closeSync(fd);
  };
  if (socket === undefined) {
    release();
    return;
  }
  const deadline = clock.after(longestMs, () => socket.destroy(new Error('the receiver does not read')));
  socket.on('error', (error) => {
    log.warn({ path, problem: messageOf(error) }, 'listening sockets were not passed on');
  });
  socket.on('close', () => {
    deadline.cancel();
    release();
  });
  socket.on('connect', () => {
    send(socket, pieces, clock);
  });
}

/** Sends what is left, and again after a moment where the receiver's queue is full. */
function send(socket: Socket, pieces: Piece[], clock: Clock): void {
  const fd = descriptorOf(socket);
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    // The other end hung up, or time is up: its close event says so.
    if (fd === undefined) return;
    try {
      const count = native.addon?.sendDescriptors(fd, piece.bytes, piece.descriptors) ?? 0;
      // A short count: the descriptors went, and the rest of the bytes goes by itself.
      if (count < piece.bytes.length) pieces.unshift({ bytes: piece.bytes.subarray(count), descriptors: [] });
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') {
        socket.destroy(error as Error);
        return;
      }
      pieces.unshift(piece);
      clock.after(retryMs, () => {
        send(socket, pieces, clock);
      });
      return;
    }
  }
  socket.destroySoon();
}

/** At most `mostPerSend` descriptors a piece, each with its part of the line. */
function cut(line: Buffer, descriptors: readonly number[]): Piece[] {
  const count = Math.max(1, Math.ceil(descriptors.length / mostPerSend));
  const length = Math.ceil(line.length / count);
  return Array.from({ length: count }, (_, index) => ({
    bytes: line.subarray(index * length, (index + 1) * length),
    descriptors: descriptors.slice(index * mostPerSend, (index + 1) * mostPerSend),
  }));
}
