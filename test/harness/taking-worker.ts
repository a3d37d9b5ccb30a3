// A worker that takes connections over as the contract says (lib/handoff.ts), played by the test: it answers what the
// router carries to it by `routed …` and what comes on a connection of its own by `direct …`, and says only what the
// test makes it say.
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  slotStates,
  type FromWorker,
  type HandoffBack,
  type HandoffHello,
  type HandoffRules,
  type HandoffTake,
  type ToWorker,
} from '../../lib/handoff.ts';
import type { TargetRoute } from '../../lib/routes.ts';
import type { ChannelHandler, DescriptorChannel } from '../../native/channel.ts';
import { addonUnderTest } from './native-addon.ts';
import { ok, RecordingWorker, type Answer } from './recording-worker.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

/** A connection that the worker has. */
export class TakenConnection {
  readonly take: HandoffTake;
  readonly #worker: TakingWorker;
  readonly #socket: Socket;
  #received = '';
  isEnded = false;
  /** Whether requests are answered as they come. */
  isAnswering = true;

  constructor(worker: TakingWorker, take: HandoffTake, fd: number) {
    this.take = take;
    this.#worker = worker;
    this.#socket = new Socket({ fd, allowHalfOpen: true });
    this.#socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
      worker.states[take.slot] = slotStates.busy;
      this.answer();
    });
    this.#socket.on('end', () => {
      this.isEnded = true;
    });
    this.#socket.on('error', () => undefined);
  }

  /** Answers what was received whole. */
  answer(): void {
    while (this.isAnswering) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const [, path = ''] = this.#received.split(' ');
      this.#received = this.#received.slice(end + 4);
      this.#worker.direct.push(path);
      this.write(ok(`direct ${path}`));
    }
  }

  write(text: string): void {
    this.#socket.write(Buffer.from(text, 'latin1'), () => {
      if (this.#received === '') this.#worker.states[this.take.slot] = slotStates.idle;
    });
  }

  async received(text: string): Promise<void> {
    await waitFor(() => this.#received.includes(text), { what: `${text} at the worker; got ${this.#received}` });
  }

  giveBack(why: HandoffBack['why'] = 'recalled'): void {
    this.#socket.destroy();
    this.#worker.say({ type: 'back', slot: this.take.slot, why });
  }

  /** The worker ended it, or saw its end. */
  end(): void {
    this.#socket.destroy();
    this.#worker.say({ type: 'gone', slot: this.take.slot });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export class TakingWorker implements ChannelHandler {
  readonly path: string;
  readonly hellos: HandoffHello[] = [];
  readonly rules: HandoffRules[] = [];
  readonly recalls: number[] = [];
  readonly taken: TakenConnection[] = [];
  /** Paths that it answered on connections of its own. */
  readonly direct: string[] = [];
  /** Times a router connected. */
  dials = 0;
  isEnded = false;
  /** False: it ends each channel as soon as it is there. */
  isWelcoming = true;
  /** Whether it says that it goes by rules as soon as it hears them. */
  isConfirming = true;
  states: Uint8Array = new Uint8Array(0);
  #channel: DescriptorChannel | undefined;
  readonly #routed: RecordingWorker;

  private constructor(t: TestContext, routed: RecordingWorker) {
    this.#routed = routed;
    this.path = join(tempDir(t), 'handoff');
    const server = addonUnderTest().openChannelServer(this.path, 0o600, (channel) => {
      this.dials++;
      this.#channel = channel;
      if (!this.isWelcoming) channel.close();
      return this;
    });
    t.after(() => {
      server.close();
      this.die();
    });
  }

  static async start(t: TestContext): Promise<TakingWorker> {
    const routed = await RecordingWorker.start(t, ({ requestLine }) => ok(`routed ${requestLine.split(' ')[1] ?? ''}`));
    return new TakingWorker(t, routed);
  }

  target(key = 'app/1/1'): TargetRoute {
    return { key, address: `unix:${this.#routed.path}`, weight: 1, handoff: this.path };
  }

  /** Paths that the router carried to it. */
  get routed(): string[] {
    return this.#routed.requests.map(({ requestLine }) => requestLine.split(' ')[1] ?? '');
  }

  /** Answers what the router carries to it in another way. */
  set answer(answer: Answer) {
    this.#routed.answer = answer;
  }

  say(message: FromWorker, ...descriptors: number[]): void {
    assert.ok(this.#channel?.send(Buffer.from(JSON.stringify(message)), descriptors) === true);
  }

  sayRaw(text: string): void {
    this.#channel?.send(Buffer.from(text), []);
  }

  #confirm(): void {
    try {
      this.say({ type: 'ruled' });
    } catch {
      // The router has gone meanwhile.
    }
  }

  /** As the kernel ends what a process had. */
  die(): void {
    for (const connection of this.taken) connection.destroy();
    this.#channel?.close();
  }

  /** The nth connection, once it was taken over. */
  async connection(nth = 0): Promise<TakenConnection> {
    return waitFor(() => this.taken[nth], {
      what: () => `connection ${nth} to be handed over; ${this.taken.length} were`,
    });
  }

  async ruled(accepts: (rules: HandoffRules) => boolean): Promise<HandoffRules> {
    return waitFor(() => this.rules.findLast(accepts), {
      what: () => `rules; the last are ${JSON.stringify(this.rules.at(-1))}`,
    });
  }

  onMessage(bytes: Uint8Array, [fd]: readonly number[]): void {
    const message = JSON.parse(Buffer.from(bytes).toString()) as ToWorker;
    switch (message.type) {
      case 'hello':
        assert.ok(fd !== undefined);
        this.hellos.push(message);
        this.states = addonUnderTest().mapSharedBytes(fd, message.slots);
        closeSync(fd);
        break;
      case 'rules':
        this.rules.push(message);
        if (this.isConfirming) this.#confirm();
        break;
      case 'take':
        assert.ok(fd !== undefined);
        this.taken.push(new TakenConnection(this, message, fd));
        break;
      case 'recall':
        this.recalls.push(message.slot);
        break;
    }
  }

  onEnd(): void {
    this.isEnded = true;
  }
}
