// Which cores there are, and how they are divided. Pure.

export interface Cores {
  /** Lists as taskset takes them; undefined where nothing is pinned. */
  readonly router: string | undefined;
  readonly load: string | undefined;
}

/** The last core for the router, all others for the load; nothing is pinned on one core. */
export function divide(allowed: readonly number[]): Cores {
  const last = allowed.at(-1);
  if (last === undefined || allowed.length < 2) return { router: undefined, load: undefined };
  return { router: String(last), load: allowed.slice(0, -1).join(',') };
}

/** `0,2-4` as the kernel writes it. */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_unused, index) => first + index);
    });
}
