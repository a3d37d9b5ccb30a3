// Clients that take their time: over reading an answer, and over writing a head and a body. All of them have to be
// answered whole, for they never stop for as long as the router allows.
import { request, type IncomingMessage } from 'node:http';
import type { Pace } from '../../chaos/pace.ts';
import { Conversation, type Where } from './conversation.ts';
import type { Tally } from './tally.ts';

const readBytes = 3_000_000;
const readPauseMs = 40;
const writtenBytes = 32_000;
const pieceBytes = 1000;
const writePauseMs = 40;

export async function readSlowly(where: Where, pace: Pace, tally: Tally): Promise<void> {
  while (!pace.isOver) {
    await tally.count('read slowly', async () => {
      const bytes = await download(where, pace);
      if (bytes !== readBytes) throw new Error(`${bytes} bytes`);
    });
    await pace.pause(readPauseMs);
  }
}

export async function writeSlowly(where: Where, pace: Pace, tally: Tally): Promise<void> {
  const body = Buffer.alloc(writtenBytes, 'written slowly ');
  while (!pace.isOver) {
    await tally.count('written slowly', async () => {
      const conversation = await Conversation.open(where);
      const head = conversation.head('POST', '/echo', [`Content-Length: ${body.length}`]);
      for (const piece of [...cut(Buffer.from(head), 20), ...cut(body, pieceBytes)]) {
        conversation.write(piece);
        await pace.pause(writePauseMs);
      }
      const answer = await conversation.answer();
      await conversation.finish('close');
      if (answer.status !== 200 || !answer.body.equals(body)) throw new Error(`answered ${answer.status}`);
    });
  }
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

async function download({ port, host }: Where, pace: Pace): Promise<number> {
  const path = `/long?bytes=${readBytes}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent: false, headers: { host } }, resolve);
    outgoing.on('error', reject);
    outgoing.end();
  });
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode ?? 0}`);
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    await pace.pause(readPauseMs);
  }
  return bytes;
}
