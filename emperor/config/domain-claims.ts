// Which file gets a domain that several claim: the one that has it keeps it, else the older file gets it, and the
// newer is refused whole and goes on with what it last ran. Pure: claims in, refusals out.

export interface Claimant {
  readonly name: string;
  /** Absolute path, for the message. */
  readonly file: string;
  readonly mtimeMs: number;
  /** What its file says now; null where that could not be judged (broken, unreadable, vanished). */
  readonly wanted: readonly string[] | null;
  /** What the last good spec of this name claims; it goes on being served while `wanted` is null or refused. */
  readonly held: readonly string[];
}

export interface Refusal {
  readonly domain: string;
  readonly owner: Claimant;
}

/** The claimants that are refused, by name, each with the first of its domains that another has. */
export function settleClaims(claimants: readonly Claimant[]): ReadonlyMap<string, Refusal> {
  const order = [...claimants].sort(olderFirst);
  const accepted = new Set(order.filter((claimant) => claimant.wanted !== null));
  const refusals = new Map<string, Refusal>();
  // All are taken at their word first, so that two files may swap their domains in one turn. A refused one falls
  // back on what it held, which can refuse others in turn: the set only shrinks, so this ends.
  for (let changed = true; changed;) {
    changed = false;
    const owners = ownersOf(order, accepted);
    for (const claimant of order) {
      if (!accepted.has(claimant)) continue;
      const refusal = findRefusal(claimant, owners);
      if (refusal === undefined) continue;
      accepted.delete(claimant);
      refusals.set(claimant.name, refusal);
      changed = true;
    }
  }
  readmit(order, accepted, refusals);
  return refusals;
}

/** Takes back those who were refused for the sake of one that was then refused itself. */
function readmit(order: readonly Claimant[], accepted: Set<Claimant>, refusals: Map<string, Refusal>): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const claimant of order) {
      const reason = refusals.get(claimant.name);
      if (reason === undefined) continue;
      const others = ownersOf(
        order.filter((other) => other !== claimant),
        accepted,
      );
      const refusal = findRefusal(claimant, others);
      if (refusal !== undefined) {
        // The reason that was found first stands as long as it holds.
        if (others.get(reason.domain) !== reason.owner) refusals.set(claimant.name, refusal);
        continue;
      }
      accepted.add(claimant);
      refusals.delete(claimant.name);
      changed = true;
    }
  }
}

function findRefusal(claimant: Claimant, owners: ReadonlyMap<string, Claimant>): Refusal | undefined {
  for (const domain of claimant.wanted ?? []) {
    const owner = owners.get(domain);
    if (owner !== undefined && owner !== claimant) return { domain, owner };
  }
  return undefined;
}

/** Who has each domain, if the accepted get what they want and the others keep what they held. */
function ownersOf(order: readonly Claimant[], accepted: ReadonlySet<Claimant>): Map<string, Claimant> {
  const owners = new Map<string, Claimant>();
  const rank = (claimant: Claimant, domain: string): number => {
    if (!accepted.has(claimant)) return 0;
    return claimant.held.includes(domain) ? 1 : 2;
  };
  for (const claimant of order) {
    for (const domain of accepted.has(claimant) ? (claimant.wanted ?? []) : claimant.held) {
      const owner = owners.get(domain);
      // Equal ranks: the order decides, and the older came first.
      if (owner === undefined || rank(claimant, domain) < rank(owner, domain)) owners.set(domain, claimant);
    }
  }
  return owners;
}

function olderFirst(one: Claimant, other: Claimant): number {
  return one.mtimeMs - other.mtimeMs || (one.name < other.name ? -1 : 1);
}
