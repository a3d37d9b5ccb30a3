// The apps of a run as files: their code, their lists of what they executed, and what their config files say.
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverSource } from './server-source.ts';

export type Mode = 'good' | 'crashes' | 'hangs' | 'dies';

const rollouts: Readonly<Record<string, Readonly<Record<'rollout' | 'settle', string>>>> = {
  shop: { rollout: 'all', settle: '2s' },
  blog: { rollout: 'chain', settle: '2s' },
  mail: { rollout: '{canary: [25%, 100%], pause: 1s}', settle: '1s' },
  calm: { rollout: 'all', settle: '2s' },
  guest: { rollout: 'all', settle: '2s' },
};

/** Apps whose old workers go, or new ones come, while another generation is live. */
export const gradual: ReadonlySet<string> = new Set(['blog', 'mail']);
/** Apps that clients ask and the script changes. */
export const actedUpon: readonly string[] = ['shop', 'blog', 'mail'];
/** Nothing is ever done to it, so nothing may ever happen to its clients. */
export const bystander = 'calm';
/** Deleted and added again under its clients; nothing else is done to it. */
export const guest = 'guest';
export const withClients: readonly string[] = [...actedUpon, bystander, guest];

export interface AppContent {
  readonly version: number;
  readonly mode: Mode;
}

/** One execution of a request, or the end of a worker that ended itself. */
export type ListLine =
  | { readonly what: 'begin'; readonly id: string; readonly pid: number; readonly generation: number }
  | { readonly what: 'died'; readonly pid: number; readonly atMs: number };

export interface AppOptions {
  readonly apps?: readonly string[];
  /** In place of those that every app has. */
  readonly keys?: Readonly<Record<string, string>>;
}

export class AppFiles {
  readonly #directory: string;
  readonly #base: string;
  readonly #keys: Readonly<Record<string, string>>;
  readonly #content = new Map<string, AppContent>();

  /** `directory` is what the emperor watches; code and lists lie in `base`. */
  constructor(directory: string, base: string, { apps = Object.keys(rollouts), keys = {} }: AppOptions = {}) {
    this.#directory = directory;
    this.#base = base;
    this.#keys = keys;
    writeFileSync(join(base, 'server.cjs'), serverSource);
    for (const app of apps) {
      writeFileSync(this.#list(app), '');
      this.edit(app, 'good');
    }
  }

  /** What was last written of the app that parses. */
  content(app: string): AppContent {
    return this.#content.get(app) ?? { version: 0, mode: 'good' };
  }

  /** Writes a new version of the app, in one step or in two. */
  edit(app: string, mode: Mode): AppContent {
    const content = { version: this.content(app).version + 1, mode };
    this.#content.set(app, content);
    writeFileSync(this.#file(app), this.#yaml(app, content));
    return content;
  }

  /** A file that does not validate; the content before it stays in force. */
  breakFile(app: string, kind: 'typo' | 'syntax' | 'empty'): void {
    const yaml = this.#yaml(app, this.content(app));
    const texts = { typo: yaml.replace('processes:', 'proceses:'), syntax: `${yaml}env: [unclosed\n`, empty: '' };
    writeFileSync(this.#file(app), texts[kind]);
  }

  /** The last valid content again. */
  mend(app: string): void {
    writeFileSync(this.#file(app), this.#yaml(app, this.content(app)));
  }

  touch(app: string): void {
    const now = new Date();
    utimesSync(this.#file(app), now, now);
  }

  remove(app: string): void {
    rmSync(this.#file(app));
  }

  lines(app: string): ListLine[] {
    const lines = readFileSync(this.#list(app), 'utf8').split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [what, first = '', pid = '', generation = ''] = line.split(' ');
        // The apps know only the wall clock.
        if (what === 'died') return { what, pid: Number(first), atMs: Number(pid) - performance.timeOrigin };
        return { what: 'begin', id: first, pid: Number(pid), generation: Number(generation) };
      });
  }

  #file(app: string): string {
    return join(this.#directory, `${app}.yaml`);
  }

  #list(app: string): string {
    return join(this.#base, `${app}.list`);
  }

  #yaml(app: string, { version, mode }: AppContent): string {
    const keys = {
      app: join(this.#base, 'server.cjs'),
      processes: '2',
      'ready-timeout': '8s',
      'drain-timeout': `${drainMs / 1000}s`,
      'stop-timeout': '3s',
      queue: '5000',
      'queue-timeout': '30s',
      ...rollouts[app],
      ...this.#keys,
    };
    const lines = Object.entries(keys).map(([key, value]) => `${key}: ${value}\n`);
    return `${lines.join('')}env:
  CHAOS_LIST: ${this.#list(app)}
  CHAOS_VERSION: "${version}"
  CHAOS_MODE: ${mode}
`;
  }
}

export const drainMs = 6000;

/** emperor.yaml of a run. */
export function emperorYaml(routers: number, level: 'info' | 'debug' = 'info'): string {
  return `rescan: 2s
log:
  level: ${level}
router:
  processes: ${routers}
  generation-header: true
  idle-timeout: ${idleTimeoutMs / 1000}s
`;
}

export const idleTimeoutMs = 20_000;
/** How long a router that is replaced goes on with what it holds, by the emperor's choice. */
export const routerGraceMs = 30_000;
