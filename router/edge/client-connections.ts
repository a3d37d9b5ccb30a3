// The client connections that a router has: how many they are, and whether there is room for another.
import { Streak } from '../core/handoff.ts';
import type { ByteStream } from '../transports/transport.ts';
import { ClientConnection, type ConnectionKeeper } from './client-connection.ts';
import type { Edge } from './edge.ts';
import type { WorkerHolder } from './farewells.ts';

/** Whoever accepts them. */
export interface RoomWatcher {
  /** There is no room for another one. */
  onFull(): void;
  /** There is room again. */
  onRoom(): void;
}

export class ClientConnections implements ConnectionKeeper {
  readonly #edge: Edge;
  readonly #watcher: RoomWatcher;
  readonly #all = new Set<ClientConnection>();
  /** Of those, the ones that come through a worker which has the client's connection itself: to be called at the end. */
  readonly #strays = new Map<ClientConnection, () => void>();
  #isFull = false;
  #onEmpty: (() => void) | undefined;

  constructor(edge: Edge, watcher: RoomWatcher) {
    this.#edge = edge;
    this.#watcher = watcher;
  }

  /** Connections of clients, each counted once. */
  get size(): number {
    return this.#all.size - this.#strays.size;
  }

  /** A client connected. */
  add(stream: ByteStream): void {
    const connection = new ClientConnection(this.#edge, stream, this);
    this.#all.add(connection);
    const { size } = this;
    const { maxConnections } = this.#edge.settings;
    if (size > maxConnections) connection.turnAway();
    if (size >= maxConnections && !this.#isFull) {
      this.#isFull = true;
      this.#watcher.onFull();
    }
  }

  /** Requests of a client whose connection is with a worker, who is not to answer them. */
  addStray(stream: ByteStream, { pool, target }: WorkerHolder): void {
    const connection = new ClientConnection(this.#edge, stream, this);
    connection.streak = Streak.broken();
    this.#all.add(connection);
    // It goes when the worker that carries it goes, whoever serves it.
    this.#strays.set(connection, this.#edge.farewells.add(connection, { pool, target }));
  }

  /** Called by a connection. */
  onGone(connection: ClientConnection): void {
    this.#all.delete(connection);
    this.#strays.get(connection)?.();
    this.#strays.delete(connection);
    if (this.#all.size === 0) this.#onEmpty?.();
    this.reviewRoom();
  }

  /** There may be room again: one went, or more are allowed. */
  reviewRoom(): void {
    if (!this.#isFull || this.size >= this.#edge.settings.maxConnections) return;
    this.#isFull = false;
    this.#watcher.onRoom();
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** Resolves when the last one is gone; there must be one, and to be asked once. */
  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** The router ends now, whatever runs. */
  cutAll(): void {
    for (const connection of [...this.#all]) connection.cut();
  }
}
