// What the emperor tells to whoever watches (GET /events, the terminal): phases, apps' states, deploys. A watcher
// that comes late first hears the whole present state.
import type { AppState } from './app-state.ts';
import type { LastDeploy } from './app.ts';

/** `starting` until routers serve; `stopping` from the signal on. */
export type Phase = 'starting' | 'serving' | 'stopping';

export interface AppSummary {
  readonly name: string;
  /** `gone`: the file was removed and nothing of it runs any more. */
  readonly state: AppState | 'gone';
  /** The live one; null where none is. */
  readonly generation: number | null;
}

export type EmperorEvent =
  | { readonly type: 'snapshot'; readonly phase: Phase; readonly apps: readonly AppSummary[] }
  | { readonly type: 'phase'; readonly phase: Phase }
  | ({ readonly type: 'app' } & AppSummary)
  | ({ readonly type: 'deploy'; readonly name: string } & Omit<LastDeploy, 'log'>);

export type Listen = (event: EmperorEvent) => void;

export class EventHub {
  readonly #listeners = new Set<Listen>();
  readonly #apps = new Map<string, AppSummary>();
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  /** Hears the snapshot at once and every event after it, until the returned function is called. */
  subscribe(listen: Listen): () => void {
    const apps = [...this.#apps.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    listen({ type: 'snapshot', phase: this.#phase, apps });
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  }

  enter(phase: Phase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.#emit({ type: 'phase', phase });
  }

  /** Tells of the app if anything about it changed. */
  tellApp(summary: AppSummary): void {
    const before = this.#apps.get(summary.name);
    if (before?.state === summary.state && before.generation === summary.generation) return;
    if (summary.state === 'gone') this.#apps.delete(summary.name);
    else this.#apps.set(summary.name, summary);
    this.#emit({ type: 'app', ...summary });
  }

  tellDeploy(name: string, { generation, result, reason, tookMs }: LastDeploy): void {
    this.#emit({ type: 'deploy', name, generation, result, reason, tookMs });
  }

  #emit(event: EmperorEvent): void {
    for (const listen of [...this.#listeners]) listen(event);
  }
}
