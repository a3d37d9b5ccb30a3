// From a CPU profile of V8 to what each function costs. Pure.

/** One function, or all of a file. */
export interface Share {
  readonly name: string;
  readonly file: string;
  /** Of one request, without what it calls. */
  readonly ns: number;
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly hitCount: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
}

/** The functions of a profile (`Profiler.stop`), the dearest first; `totalNs` is what one request took in all. */
export function sharesOf(answer: unknown, totalNs: number): Share[] {
  const { nodes } = (answer as { readonly profile: Profile }).profile;
  const hits = new Map<string, { name: string; file: string; hits: number }>();
  let all = 0;
  for (const { hitCount, callFrame } of nodes) {
    const name = callFrame.functionName;
    const file = callFrame.url.replace(/^.*\/dist[^/]*\//, '');
    const key = `${file} ${name}`;
    const known = hits.get(key) ?? { name, file, hits: 0 };
    hits.set(key, { ...known, hits: known.hits + hitCount });
    all += hitCount;
  }
  return [...hits.values()]
    .map(({ name, file, hits }) => ({ name, file, ns: (totalNs * hits) / all }))
    .sort((a, b) => b.ns - a.ns);
}

/** The same by file. */
export function byFile(shares: readonly Share[]): Share[] {
  const files = new Map<string, number>();
  for (const { file, ns } of shares) files.set(file, (files.get(file) ?? 0) + ns);
  return [...files].map(([file, ns]) => ({ name: '', file, ns })).sort((a, b) => b.ns - a.ns);
}
