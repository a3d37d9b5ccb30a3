// What wrk printed. Pure.

export interface WrkReport {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx/3xx and socket errors, as wrk words them; empty where all went well. */
  readonly faults: string;
}

/** A figure that wrk did not print is NaN. */
export function parseWrkReport(text: string): WrkReport {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? NaN);
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: latencyMs(text, '50'),
    p99Ms: latencyMs(text, '99'),
    faults: (text.match(/(Non-2xx.*|Socket errors.*)/g) ?? []).join('; '),
  };
}

function latencyMs(text: string, percent: string): number {
  const [, value = NaN, unit = ''] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(text) ?? [];
  const factor = { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit] ?? NaN;
  return Number(value) * factor;
}
