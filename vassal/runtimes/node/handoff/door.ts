// Where routers hand client connections over to this worker. Opened when the app's server listens, on the path that
// the primary chose; what it takes to serve them is loaded when the first router comes.
import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { messageOf } from '../../../../lib/errors.ts';
import type { ChannelHandler, ChannelServer, DescriptorChannel } from '../../../../native/channel.ts';
import type { NativeAddon } from '../../../../native/index.ts';
import type { RouterLink } from './router-link.ts';
import type { TakingServer } from './taking-server.ts';

/** As the worker's other sockets: its owner and group may connect. */
const mode = 0o660;

export interface DoorOptions {
  readonly path: string;
  readonly addon: NativeAddon;
  readonly worker: number;
  /** Connections will be read by this server. */
  readonly onServer: (server: HttpServer) => void;
  readonly note: (text: string) => void;
}

export class HandoffDoor {
  readonly #options: DoorOptions;
  readonly #links = new Set<RouterLink>();
  readonly #servers = new WeakMap<HttpServer, TakingServer>();
  #channels: ChannelServer | undefined;
  #adopted: HttpServer | undefined;
  #stopping: Promise<void> | undefined;
  #onStopped: (() => void) | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** What is handed over from now on is this server's. Returns whether anything can be. */
  serve(server: Server): boolean {
    // The primary of node:cluster only passes connections on.
    const isPrimary = cluster.isPrimary && Object.keys(cluster.workers ?? {}).length > 0;
    this.#adopted = server instanceof HttpServer && !isPrimary ? server : undefined;
    return this.#adopted !== undefined && this.#open();
  }

  /** The worker ends: gives everything back as soon as that can be; resolves when nothing is left. */
  stop(): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      this.#onStopped = resolve;
    });
    for (const link of this.#links) link.stop();
    this.#check();
    return this.#stopping;
  }

  /** Ends the connections that the router serves through us, which never end by themselves. */
  endRelays(): void {
    for (const link of this.#links) link.endRelays();
  }

  #open(): boolean {
    if (this.#channels !== undefined) return true;
    const { path, addon, note } = this.#options;
    try {
      // The worker before us may have left it.
      rmSync(path, { force: true });
      this.#channels = addon.openChannelServer(path, mode, (channel) => this.#welcome(channel));
      return true;
    } catch (error) {
      note(`no client connection can be handed over: ${path}: ${messageOf(error)}`);
      return false;
    }
  }

  /** Messages wait until what handles them is loaded. */
  #welcome(channel: DescriptorChannel): ChannelHandler {
    const loaded = this.#link(channel);
    const later = (act: (link: RouterLink) => void): void => {
      // A module of ours that cannot be loaded is a bug, and ends the worker.
      void loaded.then(act);
    };
    return {
      onMessage: (bytes, descriptors) => {
        later((link) => {
          link.onMessage(bytes, descriptors);
        });
      },
      onEnd: () => {
        later((link) => {
          link.onEnd();
        });
      },
    };
  }

  async #link(channel: DescriptorChannel): Promise<RouterLink> {
    const [{ RouterLink }, { TakingServer }] = await Promise.all([
      import('./router-link.ts'),
      import('./taking-server.ts'),
    ]);
    const { addon, worker, note, onServer } = this.#options;
    const link = new RouterLink({
      addon,
      channel,
      // The router's own ids go on with a hyphen; the rest is this process's alone.
      idPart: `.${worker}${Math.random().toString(36).slice(2, 8)}-`,
      server: () => {
        const adopted = this.#adopted;
        if (adopted === undefined) return undefined;
        const known = this.#servers.get(adopted);
        if (known !== undefined) return known;
        const server = new TakingServer(adopted);
        this.#servers.set(adopted, server);
        onServer(server.own);
        return server;
      },
      onLess: () => {
        if (link.hasEnded && link.isDone) this.#links.delete(link);
        this.#check();
      },
      note,
    });
    this.#links.add(link);
    if (this.#stopping !== undefined) link.stop();
    return link;
  }

  #check(): void {
    if ([...this.#links].every((link) => link.isDone)) this.#onStopped?.();
  }
}
