// One vassal with the fixture app `wsgi` for all tests of a suite: starting Python for each would take longer than they do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { askGateway, GatewayConnection, type GatewayRequest } from './gateway-client.ts';
import type { RawAnswer } from './raw-answers.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';
import { startVassal, type VassalProcess } from './vassal-process.ts';
import { waitFor } from './wait-for.ts';

export class WsgiSite {
  /** Files that the app sends, and for which it waits. */
  readonly files: string;
  readonly vassal: VassalProcess;

  private constructor(files: string, vassal: VassalProcess) {
    this.files = files;
    this.vassal = vassal;
  }

  static async start(t: Scope, keys: Readonly<Record<string, unknown>> = {}): Promise<WsgiSite> {
    const files = tempDir(t);
    const vassal = await startVassal(t, {
      fixture: 'wsgi',
      keys: {
        ...('module' in keys ? {} : { 'wsgi-file': 'app.py' }),
        env: { FILES: files },
        'stop-timeout': '1h',
        ...keys,
      },
    });
    await vassal.ready();
    return new WsgiSite(files, vassal);
  }

  async ask(path: string, request: GatewayRequest = {}): Promise<RawAnswer> {
    return askGateway(this.vassal.socket(), { path, ...request });
  }

  connect(t: Scope): GatewayConnection {
    const connection = new GatewayConnection(this.vassal.socket());
    t.after(() => {
      connection.destroy();
    });
    return connection;
  }

  /** Makes a file, and so lets the app go on that waits for it. */
  write(name: string, content = ''): void {
    writeFileSync(join(this.files, name), content);
  }

  /** Waits until a text stands in the log that was not in the first `from` lines of it. */
  async logged(text: string, from: number): Promise<string> {
    return waitFor(
      () => {
        const lines = this.vassal.log().slice(from);
        return lines.some(({ line }) => line.includes(text)) ? lines.map(({ line }) => line).join('\n') : undefined;
      },
      { what: () => `"${text}" in the log; it says ${JSON.stringify(this.vassal.log().slice(from))}` },
    );
  }

  get logLength(): number {
    return this.vassal.log().length;
  }
}

/** To be called within `describe`: started before its tests, ended after them. */
export function shareWsgiSite(keys: Readonly<Record<string, unknown>> = {}): () => WsgiSite {
  const hooks: (() => unknown)[] = [];
  let site: WsgiSite | undefined;
  const scope: Scope = {
    after: (hook) => {
      if (hook !== undefined) hooks.push(hook as () => unknown);
    },
  };
  before(async () => {
    site = await WsgiSite.start(scope, keys);
  });
  after(async () => {
    for (const hook of hooks) await hook();
  });
  return () => {
    if (site === undefined) throw new Error('the site is started before the tests');
    return site;
  };
}
