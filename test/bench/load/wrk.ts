// wrk, Debian's HTTP load generator: requests in a closed loop, from one thread.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { NotInstalled } from '../missing.ts';
import { runLoad } from './run-load.ts';
import { parseWrkReport, type WrkReport } from './wrk-report.ts';
import { wrkScript, type RequestSpec } from './wrk-script.ts';

export interface WrkOptions {
  readonly port: number;
  /** Whole seconds. */
  readonly seconds: number;
  readonly connections: number;
}

export type Wrk = (options: WrkOptions) => Promise<WrkReport>;

/** wrk with one script, to be run again and again. Throws NotInstalled where there is no wrk. */
export function prepareWrk(scope: Scope, request: RequestSpec): Wrk {
  if (wrkVersion() === undefined) throw new NotInstalled('wrk is not installed (package wrk)');
  const script = join(tempDir(scope), 'request.lua');
  writeFileSync(script, wrkScript(request));
  return async ({ port, seconds, connections }) => {
    const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script];
    return parseWrkReport(await runLoad(scope, ['wrk', ...flags, `http://127.0.0.1:${port}/`]));
  };
}

/** Undefined where wrk is not installed. */
export function wrkVersion(): string | undefined {
  const { stdout, stderr } = spawnSync('wrk', ['--version'], { encoding: 'utf8' });
  return /wrk (?:debian\/)?([\d.]+)/.exec(`${stdout}${stderr}`)?.[1];
}
