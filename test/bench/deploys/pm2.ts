// pm2, as npm has it today: installed into a temporary directory, with a daemon of its own, which ends with the bench.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../harness/http-client.ts';
import { gone, isAlive } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { freePort } from '../free-port.ts';
import type { Missing } from '../missing.ts';
import type { Contender } from './contender.ts';
import { firstRelease, nodeApp, replaceFile } from './releases.ts';

const name = 'pm2 reload';

/** What the bench drops because it slows Node's start, and npm may need to trust its registry. */
const { NODE_EXTRA_CA_CERTS: certificates } = process.env;

export async function startPm2(scope: Scope): Promise<Contender | Missing> {
  const base = tempDir(scope);
  const installed = await run('npm', ['install', '--prefix', base, '--no-audit', '--no-fund', 'pm2'], base, {
    ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates }),
  });
  if (installed.code !== 0) return { name, missing: `npm could not install pm2: ${firstError(installed.output)}` };
  const pm2 = new Pm2(base);
  scope.after(() => pm2.end());
  const port = await freePort();
  const app = join(base, 'app', 'server.js');
  mkdirSync(join(base, 'app'));
  replaceFile(app, nodeApp(firstRelease));
  const ecosystem = join(base, 'app', 'ecosystem.config.js');
  writeFileSync(ecosystem, `module.exports = ${JSON.stringify({ apps: [settings(app, port)] }, undefined, 2)};\n`);
  const started = await pm2.run('start', ecosystem);
  await waitFor(async () => (await ask(port).catch(() => undefined))?.status === 200, {
    what: `pm2's app to answer; ${started.output}`,
    timeoutMs: 20_000,
  });
  return {
    name,
    setup: `${pm2.version}, the same Node app, cluster mode, wait_ready, SIGINT closes the server; a deploy is a new server.js and \`pm2 reload hello\``,
    port,
    host: 'hello.localhost',
    deploy: async (release) => {
      replaceFile(app, nodeApp(release));
      await pm2.run('reload', 'hello');
    },
  };
}

/** As pm2's documentation has it for graceful reloads; what is not named is at its default (listen_timeout: 3 s). */
function settings(script: string, port: number): object {
  return {
    name: 'hello',
    script,
    exec_mode: 'cluster',
    instances: 2,
    wait_ready: true,
    kill_timeout: 5000,
    env: { PORT: String(port) },
  };
}

class Pm2 {
  readonly version: string;
  readonly #home: string;
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
    this.#home = join(base, 'home');
    mkdirSync(this.#home);
    const manifest = readFileSync(join(base, 'node_modules/pm2/package.json'), 'utf8');
    this.version = (JSON.parse(manifest) as { version: string }).version;
  }

  /** One command of pm2 to its end. */
  async run(...args: string[]): Promise<Result> {
    const program = join(this.#base, 'node_modules/pm2/bin/pm2');
    const env = { PM2_HOME: this.#home, PM2_DISABLE_VERSION_CHECK: 'true', NO_COLOR: '1' };
    return run(process.execPath, [program, ...args], this.#base, env);
  }

  /** Ends the daemon and its apps, by its own command and, where that does not do it, by its pid. */
  async end(): Promise<void> {
    const pidFile = join(this.#home, 'pm2.pid');
    if (!existsSync(pidFile)) return;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await this.run('kill');
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await gone(pid);
  }
}

interface Result {
  readonly code: number;
  readonly output: string;
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  // Under `npm run bench` the environment is full of npm_config_…, which an npm inside would obey.
  const inherited = Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key));
  const options = { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeout: 120_000 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, output: `${stdout}${stderr}${error === null ? '' : error.message}` });
    });
  });
}

/** The line that says what is wrong: warnings stand before it. */
function firstError(output: string): string {
  const lines = output.trim().split('\n');
  return lines.find((line) => line.startsWith('npm error')) ?? lines[0] ?? '';
}
