// PURE. How long a router that is told to end gets for what it holds.

/** What runs may go on for `graceMs`, what idles for `idleMs` (ShutdownRouter). */
export interface Farewell {
  readonly graceMs: number;
  readonly idleMs: number;
}

/** A router that ends while others serve takes its time: nobody waits for it. */
const shortestDrainMs = 30_000;
/** The part of its grace after which a router closes what still idles; see the router's shutdown. */
const idlePart = 0.9;
/** At the emperor's own end idle connections get this long for a last request that is on its way. */
const lastRequestMs = 500;

/** Others serve. `drainMs`: how long what runs on it may go on; `idleTimeoutMs`: how long clients may idle at a router. */
export function farewellAmongOthers(drainMs: number, idleTimeoutMs: number): Farewell {
  // Whoever idles within its idle-timeout is not to be cut by the grace of the others.
  const graceMs = Math.max(shortestDrainMs, drainMs, Math.ceil(idleTimeoutMs / idlePart));
  return { graceMs, idleMs: idleTimeoutMs };
}

/** Every router ends. */
export function farewellOfAll(graceMs: number): Farewell {
  return { graceMs, idleMs: lastRequestMs };
}
