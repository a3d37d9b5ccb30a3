// Workers and clients for bodies that are larger than what anybody keeps: nothing but sockets, and bytes that tell where
// in the body they belong.
import { Buffer } from 'node:buffer';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { socketPath } from './router-process.ts';

/** `length` bytes no two pieces of which are alike. */
export function largeBody(length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let at = 0; at + 4 <= length; at += 4) body.writeUInt32LE(at, at);
  return body;
}

/** One end of a connection, with all that it received. */
export class Peer {
  readonly socket: Socket;
  isEnded = false;
  isClosed = false;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(t: TestContext, socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#length += bytes.length;
    });
    socket.on('end', () => (this.isEnded = true));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
  }

  get receivedBytes(): number {
    return this.#length;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What came first, as text. */
  get firstLine(): string {
    return (this.#chunks[0] ?? Buffer.alloc(0)).toString('latin1').split('\r\n')[0] ?? '';
  }

  /** Behind the first head; empty while that is not whole. */
  get body(): Buffer {
    const { received } = this;
    const end = received.indexOf('\r\n\r\n');
    return end === -1 ? Buffer.alloc(0) : received.subarray(end + 4);
  }

  write(...pieces: (string | Buffer)[]): void {
    for (const piece of pieces) this.socket.write(piece);
  }
}

export interface LargeWorker {
  readonly path: string;
  /** Its connections, in order. */
  readonly peers: Peer[];
}

/** `onPeer` is called when the first bytes of a connection are there. */
export async function startLargeWorker(t: TestContext, onPeer: (peer: Peer) => void): Promise<LargeWorker> {
  const path = socketPath(t);
  const peers: Peer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new Peer(t, socket);
    peers.push(peer);
    socket.once('data', () => {
      onPeer(peer);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => server.close());
  return { path, peers };
}

export function dial(t: TestContext, port: number): Peer {
  return new Peer(t, connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
}
