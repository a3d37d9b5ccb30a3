// uWSGI's Emperor with a Python app: Debian's packages uwsgi-emperor, uwsgi-core and uwsgi-plugin-python3.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../harness/http-client.ts';
import { descendantsOf, isAlive, startProcess, type TestProcess } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { freePort } from '../free-port.ts';
import type { Missing } from '../missing.ts';
import type { Contender, Release } from './contender.ts';
import { firstRelease, pythonApp, replaceFile } from './releases.ts';

/** The ways in which a uWSGI app is fronted and redeployed. */
export interface Variant {
  readonly name: string;
  readonly setup: string;
  /** uWSGI's HTTP router is part of the vassal (`http =`), or an instance of its own that outlives its reloads. */
  readonly router: 'in the vassal' | 'apart';
  /** A changed .ini makes the vassal exec itself; a chain reload replaces one worker after the other. */
  readonly reload: 'in place' | 'chain';
}

export const variants: readonly Variant[] = [
  {
    name: 'uWSGI Emperor, http in the vassal',
    setup: 'http-keepalive; a deploy is an edit of hello.ini, which reloads the vassal gracefully',
    router: 'in the vassal',
    reload: 'in place',
  },
  {
    name: 'uWSGI Emperor, router apart',
    setup: 'http-to a unix socket that reloads inherit; a deploy is an edit of hello.ini',
    router: 'apart',
    reload: 'in place',
  },
  {
    name: 'uWSGI Emperor, router apart, chain',
    setup: 'lazy-apps; a deploy is a new app.py and a touch of the touch-chain-reload file',
    router: 'apart',
    reload: 'chain',
  },
];

/** Once a second, the most often it can: the default is every 3 s. */
const scanEveryS = 1;

export async function startUwsgi(scope: Scope, variant: Variant): Promise<Contender | Missing> {
  const version = uwsgiVersion();
  if (version === undefined) return { name: variant.name, missing: 'uwsgi is not installed, or lacks python3 or http' };
  const site = new Site(tempDir(scope), await freePort(), variant);
  site.write(firstRelease);
  const processes = [uwsgi(scope, ['--emperor', site.vassals, '--emperor-freq', String(scanEveryS)])];
  if (variant.router === 'apart') processes.push(uwsgi(scope, site.routerFlags()));
  await waitFor(async () => (await ask(site.port).catch(() => undefined))?.status === 200, {
    what: () => `uWSGI to answer; ${processes.map(({ stderr }) => stderr.slice(-2000)).join('\n')}`,
    timeoutMs: 20_000,
  });
  return {
    name: variant.name,
    setup: `${version}, Python app, emperor-freq ${scanEveryS}, ${variant.setup}`,
    port: site.port,
    host: 'hello.localhost',
    deploy: async (release) => {
      site.write(release);
      return Promise.resolve();
    },
  };
}

/** The files of one app and the flags of its router. */
class Site {
  readonly vassals: string;
  readonly port: number;
  readonly #base: string;
  readonly #variant: Variant;

  constructor(base: string, port: number, variant: Variant) {
    this.#base = base;
    this.#variant = variant;
    this.vassals = join(base, 'vassals');
    this.port = port;
    mkdirSync(this.vassals);
    writeFileSync(this.#chainFile, '');
  }

  routerFlags(): string[] {
    const http = ['--http', `127.0.0.1:${this.port}`, '--http-to', this.#socket, '--http-keepalive'];
    return ['--plugins', 'http', '--master', ...http, '--listen', String(backlog())];
  }

  write(release: Release): void {
    replaceFile(this.#app, pythonApp(release));
    // A chain reload does not read the .ini again, and an edit of it would cause another reload.
    if (this.#variant.reload === 'in place' || release === firstRelease) {
      writeFileSync(join(this.vassals, 'hello.ini'), this.#ini(release));
    } else {
      const now = new Date();
      utimesSync(this.#chainFile, now, now);
    }
  }

  get #app(): string {
    return join(this.#base, 'app.py');
  }

  get #socket(): string {
    return join(this.#base, 'hello.sock');
  }

  get #chainFile(): string {
    return join(this.#base, 'chain-reload');
  }

  #ini({ version }: Release): string {
    const { router, reload } = this.#variant;
    const lines = [
      '[uwsgi]',
      `plugins = ${router === 'apart' ? 'python3' : 'http,python3'}`,
      'strict = true',
      'master = true',
      'processes = 2',
      'need-app = true',
      'disable-logging = true',
      `listen = ${backlog()}`,
      `socket = ${this.#socket}`,
      `wsgi-file = ${this.#app}`,
      `env = RELEASE=${version}`,
    ];
    if (router === 'in the vassal') lines.push(`http = 127.0.0.1:${this.port}`, 'http-keepalive = true');
    if (reload === 'chain') lines.push('lazy-apps = true', `touch-chain-reload = ${this.#chainFile}`);
    return `${lines.join('\n')}\n`;
  }
}

/** Requests wait here while an instance reloads; the default of 100 would be full after a third of a second. */
function backlog(): number {
  return Math.min(1024, Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')));
}

/** Starts uwsgi; at the end it gets the signal that stops it and everything it started. */
function uwsgi(scope: Scope, flags: readonly string[]): TestProcess {
  const process_ = startProcess(scope, 'uwsgi', flags);
  scope.after(async () => {
    const tree = descendantsOf(process_.pid);
    process_.kill('SIGINT');
    await process_.exit(40_000).catch(() => undefined);
    for (const pid of tree.filter(isUwsgi)) process.kill(pid, 'SIGKILL');
  });
  return process_;
}

function isUwsgi(pid: number): boolean {
  return isAlive(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('uwsgi');
}

/** Undefined where uwsgi or a plugin is missing: then it says so on standard error, and ends with 0 all the same. */
function uwsgiVersion(): string | undefined {
  const flags = ['--plugins', 'http,python3', '--version'];
  const { status, stdout, stderr } = spawnSync('uwsgi', flags, { encoding: 'utf8' });
  return status === 0 && !stderr.includes('UNABLE to load') ? stdout.trim() : undefined;
}
