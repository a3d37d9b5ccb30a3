// The addresses that clients connect to: bound at the start, taken back from adopted routers, changed while running.
// It holds the sockets, so that no port closes while it is wanted; who listens on them is the router set's affair.
import type { Clock, Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Listener } from '../lib/listeners.ts';
import type { Logger } from '../lib/log.ts';
import type { RouterHello } from '../lib/router-messages.ts';
import { native, type NativeAddon } from '../native/index.ts';
import { planListening } from './listen-plan.ts';
import { bindListeners, closeListeners } from './listening.ts';
import { takeListeners } from './passed-listeners.ts';
import type { RouterHandle } from './router-handle.ts';
import type { RouterSet } from './router-set.ts';

export interface AddressesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly runDir: string;
  readonly routers: RouterSet;
  /** The sockets changed, or what is wrong with them. */
  readonly onChange: () => void;
}

/** An address that cannot be bound, or a router that does not give its sockets, is tried again so often. */
const againMs = 1000;

export class Addresses {
  readonly #options: AddressesOptions;
  /** A router that did not pass its sockets on is asked again only after another hello. */
  readonly #asked = new WeakSet<RouterHello>();
  #wanted: readonly string[] = [];
  /** Undefined while only routers that another emperor started hold the sockets. */
  #held: readonly Listener[] | undefined;
  /** Not wanted any more; kept until the routers that listen on them are told to end. */
  #dropped: readonly Listener[] = [];
  /** Where the routers listened that we adopted: the real ports, also where 0 was asked for. */
  #adopted: readonly string[] = [];
  #problem: string | undefined;
  #work: Promise<void> | undefined;
  #isDirty = false;
  #isOver = false;
  #timer: Timer | undefined;

  constructor(options: AddressesOptions) {
    this.#options = options;
  }

  /** Undefined while only routers that another emperor started hold the sockets. */
  get held(): readonly Listener[] | undefined {
    return this.#held;
  }

  /** Why it does not listen as it should, in words; undefined where it does. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    return this.#held === undefined
      ? 'the addresses are held by routers that a former emperor started, and do not change before these end'
      : undefined;
  }

  /**
   * The start: `inherited` sockets of the emperor before us, else those of adopted routers, else new ones. Throws an
   * EmperorError where nothing serves yet and an address cannot be bound.
   */
  async open(wanted: readonly string[], inherited: readonly Listener[] | undefined): Promise<void> {
    this.#wanted = wanted;
    this.#remember();
    if (inherited !== undefined && inherited.length > 0) this.#hold(inherited);
    else if (this.#accepting().length === 0) this.#hold(await bindListeners(this.#toBind()));
    await this.#review();
  }

  /** The settings changed. What stays is not touched; the rest follows by and by. */
  want(wanted: readonly string[]): void {
    this.#wanted = wanted;
    // It never rejects; status tells how it goes.
    void this.#review();
  }

  /** A router came, went or was told to end. It is cheap. */
  onRouters(): void {
    this.#closeDropped();
    this.#remember();
    if (this.#held !== undefined || this.#isOver) return;
    if (this.#toAsk().length > 0 || this.#accepting().length === 0) void this.#review();
  }

  /** Closes everything. Of what only adopted routers hold, the files of unix sockets are ours to remove. */
  close(): void {
    this.#release();
    const adopted = this.#adopted.map((address): Listener => ({ address, fd: undefined }));
    closeListeners([...this.#dropped, ...(this.#held ?? adopted)]);
  }

  /** The start failed: closes what is only ours. Where adopted routers listen, clients are to find them still. */
  abandon(): void {
    if (this.#accepting().length === 0) {
      this.close();
      return;
    }
    this.#release();
    for (const { fd } of this.#held ?? []) if (fd !== undefined) native.addon?.closeDescriptor(fd);
  }

  /** Never rejects, and runs once at a time: what changes meanwhile is looked at in another round. */
  async #review(): Promise<void> {
    this.#isDirty = true;
    this.#work ??= this.#run();
    await this.#work;
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isOver) {
      this.#isDirty = false;
      this.#timer?.cancel();
      const before = this.#problem;
      this.#problem = await this.#settle();
      if (this.#problem !== undefined && this.#problem !== before) {
        this.#options.log.error({ why: this.#problem }, 'listening goes on as before');
      }
      if (this.#problem !== undefined || this.#held === undefined) this.#tryAgain();
      if (this.#problem !== before) this.#options.onChange();
    }
    this.#work = undefined;
  }

  /** One attempt at what is wanted; returns what is in its way. */
  async #settle(): Promise<string | undefined> {
    if (this.#held === undefined) {
      const problem = await this.#takeBack();
      if (problem !== undefined) return problem;
    }
    const held = this.#held;
    if (held === undefined || isAsWanted(planListening(this.#wanted, held))) return undefined;
    const plan = planListening(this.#wanted, [...held, ...this.#dropped]);
    try {
      const bound = [...(await bindListeners(plan.slots.filter((slot) => typeof slot === 'string')))];
      const next = plan.slots.flatMap((slot) => (typeof slot === 'string' ? (bound.shift() ?? []) : slot));
      this.#dropped = plan.dropped;
      this.#hold(next);
      this.#options.log.info({ listen: next.map(({ address }) => address) }, 'the addresses change');
      return undefined;
    } catch (error) {
      // All or nothing: half a change could leave an app without any address.
      return messageOf(error);
    }
  }

  #hold(listeners: readonly Listener[]): void {
    if (this.#isOver) {
      closeListeners(listeners);
      return;
    }
    this.#held = listeners;
    this.#options.routers.listenOn(listeners);
    this.#options.onChange();
  }

  /** Nothing is held: asks the adopted routers, one after the other; with the last of them the addresses get free. */
  async #takeBack(): Promise<string | undefined> {
    const taken = native.addon === undefined ? undefined : await this.#askRouters(native.addon);
    if (taken !== undefined) {
      this.#hold(taken);
      return undefined;
    }
    if (this.#accepting().length > 0 || this.#isOver) return undefined;
    try {
      this.#hold(await bindListeners(this.#toBind()));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #askRouters(addon: NativeAddon): Promise<readonly Listener[] | undefined> {
    const { log, clock, runDir } = this.#options;
    for (const { router, hello } of this.#toAsk()) {
      this.#asked.add(hello);
      const asked = {
        pid: router.pid,
        isThere: () => this.#accepting().includes(router),
        passListeners: (path: string) => {
          router.passListeners(path);
        },
      };
      const outcome = await takeListeners(asked, { addon, clock, runDir });
      if (typeof outcome !== 'string') {
        log.info(
          { router: router.id, listen: outcome.map(({ address }) => address) },
          'took the listening sockets over',
        );
        return outcome;
      }
      log.warn({ router: router.id, why: outcome }, 'a router did not pass its listening sockets on');
    }
    return undefined;
  }

  /** The wanted addresses; where any port was asked for, the one that clients know already. */
  #toBind(): readonly string[] {
    const known = this.#adopted.map((address) => ({ address, fd: undefined }));
    return planListening(this.#wanted, known).slots.map((slot) => (typeof slot === 'string' ? slot : slot.address));
  }

  #remember(): void {
    this.#adopted = this.#accepting().find(({ hello }) => hello !== undefined)?.hello?.listen ?? this.#adopted;
  }

  #toAsk(): readonly { readonly router: RouterHandle; readonly hello: RouterHello }[] {
    return this.#accepting().flatMap((router) => {
      const { hello } = router;
      return hello === undefined || this.#asked.has(hello) ? [] : [{ router, hello }];
    });
  }

  #accepting(): readonly RouterHandle[] {
    return this.#options.routers.routers.filter(({ isEnding }) => !isEnding);
  }

  #closeDropped(): void {
    if (this.#dropped.length === 0 || this.#options.routers.isRenewing) return;
    closeListeners(this.#dropped);
    this.#dropped = [];
  }

  #release(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #tryAgain(): void {
    if (this.#isOver) return;
    this.#timer = this.#options.clock.after(againMs, () => {
      void this.#review();
    });
  }
}

function isAsWanted({ slots, dropped }: ReturnType<typeof planListening>): boolean {
  return dropped.length === 0 && slots.every((slot) => typeof slot !== 'string');
}
