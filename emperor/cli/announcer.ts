// What `emperor run` tells on standard output, in plain words: where the apps are once they serve, and one line for
// each deploy after that. Logs go to standard error.
import { relative } from 'node:path';
import { parseAddress } from '../../lib/address.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/units.ts';
import type { EmperorEvent } from '../events.ts';
import { describeProblem } from '../problem-text.ts';
import type { Status, VassalStatus } from '../status.ts';
import { layOut } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface AnnouncerOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly status: () => Status;
  /** Paths are shown relative to it. */
  readonly cwd: string;
}

/** An app that takes longer to become ready is announced as it is; its deploy line follows. */
const longestWaitMs = 5000;

export class Announcer {
  readonly #options: AnnouncerOptions;
  #hasAnnounced = false;
  /** `name/generation` of what the first words told already: its deploy may be reported a moment later. */
  readonly #told = new Set<string>();
  #isOver = false;
  #timer: Timer | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Hears the emperor's events. */
  onEvent(event: EmperorEvent): void {
    if (event.type === 'phase' && event.phase === 'stopping') {
      this.#isOver = true;
      this.#timer?.cancel();
      this.#options.terminal.out('Draining; press Ctrl-C again to kill what still runs.\n');
      return;
    }
    if (this.#isOver) return;
    if (!this.#hasAnnounced) {
      this.#announceWhenSettled();
      return;
    }
    const wasTold =
      event.type === 'deploy' && event.result === 'live' && this.#told.has(`${event.name}/${event.generation}`);
    if (event.type === 'deploy' && !wasTold)
      this.#options.terminal.out(`${describeDeploy(event, this.#options.status())}\n`);
    if (event.type === 'app' && event.state === 'gone') this.#options.terminal.out(`${event.name}: gone\n`);
  }

  #announceWhenSettled(): void {
    const status = this.#options.status();
    if (status.emperor.phase !== 'serving') return;
    this.#timer ??= this.#options.clock.after(longestWaitMs, () => {
      this.#announce(this.#options.status());
    });
    if (status.vassals.every(({ state }) => state !== 'deploying')) this.#announce(status);
  }

  #announce(status: Status): void {
    if (this.#hasAnnounced) return;
    this.#hasAnnounced = true;
    this.#timer?.cancel();
    for (const { name, generation } of status.vassals) this.#told.add(`${name}/${generation ?? 0}`);
    this.#options.terminal.out(`${describeStart(status, this.#options.cwd)}\n`);
  }
}

/** The first words, once everything has settled. */
export function describeStart(status: Status, cwd: string): string {
  const { emperor, router, vassals, version } = status;
  const directory = shortPath(emperor.directory, cwd);
  const lines = [`Emperor ${version} serves ${directory} on ${router.listen.join(' ')} (pid ${emperor.pid})`, ''];
  const rows = vassals.map((app) => [`  ${urlOf(app, router.listen)}`, app.name, describeState(app)]);
  const columns = [{ title: '' }, { title: '' }, { title: '' }];
  lines.push(...layOut(columns, rows, Infinity).slice(1));
  if (vassals.length === 0) lines.push(`  no apps yet: put a file such as hello.yaml into ${directory}`);
  if (emperor.problems.length > 0) lines.push('', 'Problems:');
  for (const problem of emperor.problems) lines.push(`  ${describeProblem(problem, emperor.directory)}`);
  for (const sentence of emperor.degraded) lines.push('', `Note: ${sentence}`);
  const file = fileToTry(vassals);
  if (file !== undefined) lines.push('', `Try: edit ${shortPath(file, cwd)} and save`);
  return lines.join('\n');
}

function describeState({ state, instances, generation, reason }: VassalStatus): string {
  const readyMs = instances.find((instance) => instance.generation === generation)?.readyMs ?? null;
  const ready = readyMs === null ? '' : `, ready after ${formatDuration(readyMs)}`;
  return `${state}${ready}${reason === null ? '' : `: ${reason}`}`;
}

/** One line about a deploy, as the operator cares: what is served now. */
export function describeDeploy(event: Extract<EmperorEvent, { readonly type: 'deploy' }>, status: Status): string {
  const { name, generation, result, reason, tookMs } = event;
  if (result === 'live') return `${name}: generation ${generation} is live, ${formatDuration(tookMs)}`;
  const app = status.vassals.find((vassal) => vassal.name === name);
  const why = reason === null ? '' : `: ${reason}`;
  if (app !== undefined && app.generation !== null) return `${name}: kept generation ${app.generation}${why}`;
  if (result === 'rejected') return `${name}: not started${why}`;
  return `${name}: generation ${generation} failed${why}`;
}

/** Where a browser finds the app; a unix socket is shown as it is. */
function urlOf({ domains }: VassalStatus, listen: readonly string[]): string {
  const addresses = listen.map((text) => parseAddress(text));
  const [tcp] = addresses.flatMap((address) =>
    typeof address !== 'string' && address.kind === 'tcp' ? [address] : [],
  );
  const domain = domains.find((one) => !one.startsWith('*')) ?? domains[0];
  if (domain === undefined) return '-';
  const [host = '', ...path] = domain.replace(/^\*\./, 'any.').replace(/^\*/, 'localhost').split('/');
  const rest = `/${path.join('/')}`;
  if (tcp === undefined) return `http://${host}${rest}`;
  return `http://${host}${tcp.port === 80 ? '' : `:${tcp.port}`}${rest}`;
}

function fileToTry(vassals: readonly VassalStatus[]): string | undefined {
  const filesOf = (apps: readonly VassalStatus[]): string[] =>
    apps.flatMap(({ file }) => (file === null ? [] : [file]));
  const running = filesOf(vassals.filter(({ state }) => state === 'running'));
  return running.find((file) => file.endsWith('/hello.yaml')) ?? running[0] ?? filesOf(vassals)[0];
}

function shortPath(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === '' ? '.' : inside.startsWith('..') ? path : inside;
}
