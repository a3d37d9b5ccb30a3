// A rule that an input broke. Thrown by the checks, told with the input that broke it.

export class Finding extends Error {
  /** The same rule broken by a smaller input is the same finding. */
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}

/** Made only where it is told. */
export type Detail = string | (() => string);

/** Throws where the claim does not hold. */
export function must(rule: string, claim: boolean, detail: Detail): void {
  if (!claim) throw new Finding(rule, typeof detail === 'string' ? detail : detail());
}

/** Throws where both texts differ, showing them from a little before the first difference. */
export function mustEqual(rule: string, what: Detail, actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const excerpt = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 60), at + 200));
  must(rule, false, () => {
    const told = typeof what === 'string' ? what : what();
    return `${told}\n  is       ${excerpt(actual)}\n  must be  ${excerpt(expected)}`;
  });
}
