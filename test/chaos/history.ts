// What the script did and what it thereby broke, on the clients' clock: the other half of the evidence. It judges
// nothing.

export interface ActionRecord {
  readonly name: string;
  /** Null where it concerns the whole box. */
  readonly app: string | null;
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  readonly detail: string;
  /** What did not happen that should have, in words. */
  problem: string | undefined;
}

/** A process that we killed, or that killed itself. */
export type Fault =
  | { readonly kind: 'router'; readonly pid: number; readonly atMs: number; readonly ports: ReadonlySet<number> }
  | { readonly kind: 'worker'; readonly app: string; readonly pid: number; readonly atMs: number }
  /** `workers`: those of its instance, which end with it. */
  | {
      readonly kind: 'primary';
      readonly app: string;
      readonly pid: number;
      readonly atMs: number;
      readonly workers: readonly number[];
    }
  | { readonly kind: 'emperor'; readonly pid: number; readonly atMs: number };

/** From the death of the last process that held the listening sockets until a new emperor serves. */
export interface PortLoss {
  readonly fromMs: number;
  untilMs: number;
}

export class History {
  readonly actions: ActionRecord[] = [];
  readonly faults: Fault[] = [];
  readonly portLosses: PortLoss[] = [];

  begin(name: string, app: string | null, detail = ''): ActionRecord {
    const record: ActionRecord = {
      name,
      app,
      detail,
      startedAtMs: performance.now(),
      endedAtMs: undefined,
      problem: undefined,
    };
    this.actions.push(record);
    return record;
  }
}
