// WebSockets that send a message every moment and want it back. When one is closed it is opened again.
import { Buffer } from 'node:buffer';
import type { Connection } from '../connection.ts';
import { readFrames, writeFrame } from '../frames.ts';
import type { SocketRecord } from '../record.ts';
import { oneByOne, open, type ClientOptions, type RunClient } from './client.ts';

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

export const webSocket: RunClient = async (options) => {
  await oneByOne(options, async () => {
    await talk(options, open(options));
    await options.pace.pause(options.random.waitMs(100));
  });
};

/** From the handshake to the end of one WebSocket. */
export async function talk(
  { recorder, pace, random }: Pick<ClientOptions, 'recorder' | 'pace' | 'random'>,
  connection: Connection,
): Promise<void> {
  let socket: SocketRecord | undefined;
  let pending: Buffer = Buffer.alloc(0);
  let sent = 0;
  let onAnswered = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    onAnswered = resolve;
  });
  const { record, ended } = connection.request({
    kind: 'web-socket',
    path: '/socket',
    fields: upgrade,
    onHead: ({ status }) => {
      if (status === 101) socket = recorder.socket(record);
      onAnswered();
    },
    onTunnel: (bytes) => {
      if (socket === undefined) return;
      const { frames, rest } = readFrames(Buffer.concat([pending, bytes]));
      pending = rest;
      for (const frame of frames) hear(socket, frame, connection);
    },
  });
  while (record.outcome === 'pending' && !pace.isOver) {
    if (socket !== undefined && socket.echoes === sent) {
      sent += 1;
      socket.lastSentAtMs = performance.now();
      connection.write(writeFrame(1, Buffer.from(`message ${sent}`), random.integer(0, 0x7fffffff)));
    }
    await Promise.race([ended, pace.pause(150)]);
  }
  // Who leaves before it was answered does not know what it would have been answered.
  await Promise.race([ended, answered]);
  connection.close();
}

function hear(
  socket: SocketRecord,
  { opcode, payload }: { readonly opcode: number; readonly payload: Buffer },
  connection: Connection,
): void {
  if (opcode === 8) {
    socket.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    socket.closeAtMs = performance.now();
    connection.write(writeFrame(8, payload.subarray(0, 2), 0));
    connection.close();
    return;
  }
  socket.echoes += 1;
  socket.lastEchoAtMs = performance.now();
  const expected = `message ${socket.echoes}`;
  if (opcode !== 1 || payload.toString() !== expected) {
    socket.corruption ??= `got opcode ${opcode} ${JSON.stringify(payload.toString())} for ${expected}`;
  }
}
