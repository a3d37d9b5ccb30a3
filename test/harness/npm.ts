// The real npm, with a home, a cache and a registry of its own: nothing of the machine's settings reaches it, and
// nothing of it stays.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NpmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Npm {
  readonly #home: string;
  readonly #registry: string;

  /** `registry` is a URL; `token` is what npm logs in with. */
  constructor(home: string, registry: string, token: string) {
    this.#home = home;
    this.#registry = registry;
    mkdirSync(home, { recursive: true });
    const authority = registry.replace(/^http:/, '').replace(/\/?$/, '/');
    writeFileSync(join(home, '.npmrc'), `registry=${registry}\n${authority}:_authToken=${token}\n`);
  }

  /** Runs npm in `cwd` to its end. */
  async run(cwd: string, ...args: string[]): Promise<NpmResult> {
    const options = { cwd, env: this.#environment(), timeout: 120_000, maxBuffer: 16 * 1024 * 1024 };
    return new Promise((resolve) => {
      execFile('npm', args, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 255), stdout, stderr });
      });
    });
  }

  #environment(): NodeJS.ProcessEnv {
    // Under `npm test` the environment is full of npm_config_…, which would win over our .npmrc.
    const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
    return {
      ...Object.fromEntries(inherited),
      HOME: this.#home,
      npm_config_userconfig: join(this.#home, '.npmrc'),
      npm_config_globalconfig: join(this.#home, 'no-global-npmrc'),
      npm_config_cache: join(this.#home, 'cache'),
      npm_config_registry: this.#registry,
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_fetch_retries: '0',
    };
  }
}
