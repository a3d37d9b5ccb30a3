// Durations and sizes as users write them: `30s`, `5m`, `512M`. Plain numbers are seconds and bytes.

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPerUnit: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `30s` → 30000. A plain number is seconds. Undefined where the text is no duration. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value * 1000) : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(value.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (msPerUnit[match[2] ?? 's'] ?? 1000));
}

/** `512M` → 536870912 (powers of 1024). A plain number is bytes. Undefined where the text is no size. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(value.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (bytesPerUnit[(match[2] ?? '').toUpperCase()] ?? 1));
}

/** 132 → `132 ms`, 4200 → `4.2 s`, 90000 → `1 m 30 s`, 7200000 → `2 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  const units: readonly [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ];
  const first = units.findIndex(([, unit]) => ms >= unit);
  return units
    .slice(first, first + 2)
    .map(
      ([name, unit], index) =>
        [Math.floor(index === 0 ? ms / unit : (ms % (units[first]?.[1] ?? ms)) / unit), name] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(' ');
}

/** 43_000_000 → `41.0M`. */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K'] as const) {
    const size = bytesPerUnit[unit] ?? 1;
    if (bytes >= size) return `${(bytes / size).toFixed(1)}${unit}`;
  }
  return `${bytes}B`;
}
