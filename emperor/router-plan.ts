// PURE. Which routers to start and which to tell to end, from what is known of each. New ones come first: what is out
// of date goes on until as many up-to-date routers as wanted serve.

export interface RouterView {
  readonly id: number;
  /** Grows from the oldest process to the newest. */
  readonly age: number;
  /** It was told to end; it neither counts nor is told again. */
  readonly isEnding: boolean;
  /** It listens on other addresses than we want, or runs the code of an emperor that was replaced. */
  readonly isStale: boolean;
  /** It said hello and serves by the present route table. */
  readonly isServing: boolean;
}

export interface RouterPlan {
  /** How many to start. */
  readonly start: number;
  /** Ids of those to tell to end. */
  readonly end: readonly number[];
}

/** Plans towards `wanted` (at least 1) up-to-date routers. */
export function planRouters(routers: readonly RouterView[], wanted: number): RouterPlan {
  const running = routers.filter(({ isEnding }) => !isEnding);
  const fresh = running.filter(({ isStale }) => !isStale);
  const serving = fresh.filter(({ isServing }) => isServing);
  const stale = serving.length >= wanted ? running.filter(({ isStale }) => isStale) : [];
  // Of those that are too many the ones that do not serve yet go first, then the oldest.
  const surplus = [...fresh]
    .sort((a, b) => Number(a.isServing) - Number(b.isServing) || a.age - b.age)
    .slice(0, Math.max(0, fresh.length - wanted));
  return { start: Math.max(0, wanted - fresh.length), end: [...stale, ...surplus].map(({ id }) => id) };
}
