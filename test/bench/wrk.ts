// One run of wrk, Debian's HTTP load generator, and what it printed.
import { execFile } from 'node:child_process';

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Answers other than 2xx/3xx and socket errors, as wrk words them; empty where all went well. */
  readonly faults: string;
}

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly seconds: number;
  readonly connections: number;
}

/** Drives the port from one thread with keep-alive connections. */
export async function wrk({ port, host, seconds, connections }: LoadOptions): Promise<Load> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '-H',
    `Host: ${host}`,
    `http://127.0.0.1:${port}/`,
  ];
  const report = await new Promise<string>((resolve, reject) => {
    execFile('wrk', args, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error('wrk failed: is it installed?', { cause: error }));
    });
  });
  return parseReport(report);
}

function parseReport(report: string): Load {
  const number = (pattern: RegExp): number => Number(pattern.exec(report)?.[1] ?? NaN);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(report);
  const unit = p99?.[2] === 'us' ? 0.001 : p99?.[2] === 's' ? 1000 : 1;
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p99Ms: Number(p99?.[1] ?? NaN) * unit,
    faults: (report.match(/(Non-2xx.*|Socket errors.*)/g) ?? []).join('; '),
  };
}
