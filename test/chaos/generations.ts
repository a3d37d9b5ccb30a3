// What the emperors announced about the generations of an app, in order. Pure.
import type { Announcement } from './box.ts';
import type { Evidence } from './evidence.ts';

/** From this moment on the app's live generation is said to be this one. */
export interface Statement {
  readonly atMs: number;
  readonly generation: number;
  /**
   * `first`: what an emperor said first, which announces nothing; `live`: a deploy is reported done; `turn`: the live
   * generation became another one; `failed`: this generation, which may have had a part of the clients, is given up.
   */
  readonly kind: 'first' | 'live' | 'turn' | 'failed';
}

/** Everything that was said about which generation of the app is live. */
export function statementsOf(announcements: readonly Announcement[], app: string): readonly Statement[] {
  const statements: Statement[] = [];
  const knownTo = new Set<number>();
  for (const { atMs, emperor, event } of announcements) {
    for (const one of statedIn(event, app)) {
      const kind = knownTo.has(emperor) || event['type'] === 'deploy' ? one.kind : 'first';
      knownTo.add(emperor);
      statements.push({ atMs, generation: one.generation, kind });
    }
  }
  return statements;
}

/** Each moment at which it was said that another generation is live. */
export function retirements({ announcements }: Evidence, app: string, generation: number): readonly number[] {
  const others = statementsOf(announcements, app).filter((one) => one.kind !== 'failed');
  return others.filter((one) => one.generation !== generation).map(({ atMs }) => atMs);
}

function statedIn(
  event: Announcement['event'],
  app: string,
): readonly { readonly generation: number; readonly kind: 'live' | 'turn' | 'failed' }[] {
  const { type, name, generation, result } = event;
  if (type === 'snapshot') {
    const apps = event['apps'] as readonly { readonly name: string; readonly generation: number | null }[];
    return apps.flatMap((one) =>
      one.name === app && one.generation !== null ? [{ generation: one.generation, kind: 'turn' as const }] : [],
    );
  }
  if (name !== app || typeof generation !== 'number') return [];
  if (type === 'app') return [{ generation, kind: 'turn' }];
  return type === 'deploy' && (result === 'live' || result === 'failed') ? [{ generation, kind: result }] : [];
}
