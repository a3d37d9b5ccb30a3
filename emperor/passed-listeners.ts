// An emperor that adopted its routers holds none of the ports. It asks a router for the listening descriptors and takes
// them in here, over a unix socket that is made for that and goes again. It decides nothing about them.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { parseAddress } from '../lib/address.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Listener } from '../lib/listeners.ts';
import { isBindable } from '../lib/run-dir.ts';
import type { NativeAddon } from '../native/index.ts';

/** A router passes its descriptors in milliseconds; one that hangs is not waited for. */
const longestMs = 3000;
/** Between two looks at the socket: Node would read the bytes and drop what comes with them. */
const lookEveryMs = 5;

interface Surroundings {
  readonly addon: NativeAddon;
  readonly clock: Clock;
  readonly runDir: string;
}

/** The router that is asked. */
interface Asked {
  readonly pid: number | undefined;
  /** False once it is gone. */
  readonly isThere: () => boolean;
  passListeners(path: string): void;
}

/** Asks one router; a sentence where it did not pass them on. Never rejects. */
export async function takeListeners(router: Asked, surroundings: Surroundings): Promise<readonly Listener[] | string> {
  const path = join(surroundings.runDir, 'ports.sock');
  if (!isBindable(path)) return `${path} is too long for a socket`;
  const server = createServer({ pauseOnConnect: true });
  try {
    rmSync(path, { force: true });
    await listen(server, path);
    return await new Promise((resolve) => {
      new Receipt(router, { ...surroundings, server, resolve });
      router.passListeners(path);
    });
  } catch (error) {
    return messageOf(error);
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
}

interface ReceiptOptions extends Surroundings {
  readonly server: Server;
  readonly resolve: (outcome: readonly Listener[] | string) => void;
}

/** What came so far of one router's descriptors, until it is whole or will not be. */
class Receipt {
  readonly #router: Asked;
  readonly #options: ReceiptOptions;
  readonly #untilMs: number;
  readonly #descriptors: number[] = [];
  #text = '';
  #socket: Socket | undefined;
  #timer: Timer;

  constructor(router: Asked, options: ReceiptOptions) {
    this.#router = router;
    this.#options = options;
    this.#untilMs = options.clock.nowMs() + longestMs;
    options.server.on('connection', (socket) => {
      this.#onSocket(socket);
    });
    this.#timer = options.clock.after(lookEveryMs, this.#look);
  }

  #onSocket(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#socket === undefined && this.#isOfRouter(socket)) this.#socket = socket;
    else socket.destroy();
  }

  #isOfRouter(socket: Socket): boolean {
    const fd = descriptorOf(socket);
    try {
      return fd !== undefined && this.#options.addon.peerCredentials(fd).pid === this.#router.pid;
    } catch {
      return false;
    }
  }

  readonly #look = (): void => {
    const { clock } = this.#options;
    const outcome = this.#receive();
    if (outcome !== undefined) this.#end(outcome);
    else if (!this.#router.isThere()) this.#end('it died meanwhile');
    else if (clock.nowMs() > this.#untilMs) this.#end(`it did not pass them on within ${longestMs / 1000} seconds`);
    else this.#timer = clock.after(lookEveryMs, this.#look);
  };

  #receive(): readonly Listener[] | string | undefined {
    const fd = this.#socket === undefined ? undefined : descriptorOf(this.#socket);
    if (fd === undefined) return undefined;
    try {
      for (;;) {
        const piece = this.#options.addon.receiveDescriptors(fd);
        if (piece === undefined) return undefined;
        this.#descriptors.push(...piece.descriptors);
        if (piece.bytes.length === 0) return 'it hung up before it was through';
        this.#text += Buffer.from(piece.bytes).toString('latin1');
        if (this.#text.endsWith('\n')) return this.#whole();
      }
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Addresses and descriptors must fit each other: a wrong one would put an app behind somebody else's port. */
  #whole(): readonly Listener[] | string {
    const { listen } = JSON.parse(Buffer.from(this.#text, 'latin1').toString()) as { readonly listen?: unknown };
    if (!Array.isArray(listen) || listen.length === 0) return 'it named no addresses';
    if (listen.length !== this.#descriptors.length) return 'it named other addresses than it passed on';
    const listeners = this.#descriptors.map((fd, index): Listener => ({ fd, address: String(listen[index]) }));
    return listeners.every(({ fd, address }) => this.#isAt(fd, address)) ? listeners : 'an address is not as it says';
  }

  #isAt(fd: number | undefined, text: string): boolean {
    const address = parseAddress(text);
    if (typeof address === 'string' || fd === undefined) return false;
    return address.kind === 'unix' || this.#options.addon.localPort(fd) === address.port;
  }

  #end(outcome: readonly Listener[] | string): void {
    this.#timer.cancel();
    if (typeof outcome === 'string') for (const fd of this.#descriptors) this.#options.addon.closeDescriptor(fd);
    this.#socket?.destroy();
    this.#options.resolve(outcome);
  }
}

/** Node has no public way to it; `_handle.fd` is there on every system with unix sockets. */
function descriptorOf(socket: Socket): number | undefined {
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle;
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
