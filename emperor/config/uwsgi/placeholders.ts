// Placeholders, which uWSGI fills in when a whole file is read: `$(ENV)`, then `@(file)`, then `%(name)` with its sums.
// What files and variables say is asked of the caller.
import type { Resolved } from './magic.ts';

export interface PlaceholderScope {
  /** The value of an option or variable, before its own placeholders are filled in; undefined where there is none. */
  readonly valueOf: (name: string) => string | undefined;
  /** What could not be replaced in that value before. */
  readonly faultsOf: (name: string) => readonly string[];
  /** A variable of the emperor's environment. */
  readonly env: (name: string) => string | undefined;
  /** The contents of a file, or why there are none. */
  readonly contents: (path: string) => Promise<{ readonly text: string } | { readonly fault: string }>;
}

/** A text may grow to so many characters; placeholders that double each other would fill the memory. */
const longest = 64 * 1024;

/** Fills in every placeholder, those of the values that are put in as well. What cannot be is left as it was written. */
export async function fillPlaceholders(text: string, scope: PlaceholderScope): Promise<Resolved> {
  const filling = new Filling(scope);
  const filled = await filling.fill(text, []);
  return { text: filled, faults: [...new Set(filling.faults)] };
}

/** The names that the placeholders of a text refer to. */
export function referredNames(text: string): readonly string[] {
  return [...text.matchAll(/%\(([^()]*)\)/g)].flatMap(([, inside = '']) =>
    inside.includes(' ') ? inside.split(' ').filter((word) => word !== '' && !isOperator(word)) : [inside],
  );
}

class Filling {
  readonly faults: string[] = [];
  readonly #scope: PlaceholderScope;
  readonly #known = new Map<string, string>();

  constructor(scope: PlaceholderScope) {
    this.#scope = scope;
  }

  /** `path`: the names whose values are being filled in. */
  async fill(text: string, path: readonly string[]): Promise<string> {
    const withEnv = text.replace(/\$\(([^()]*)\)/g, (whole, name: string) => this.#env(whole, name));
    const withFiles = await replaceAsync(withEnv, /@\(([^()]*)\)/g, (whole, file) => this.#file(whole, file));
    const filled = await replaceAsync(withFiles, /%\(([^()]*)\)/g, (whole, inside) => this.#value(whole, inside, path));
    if (filled.length <= longest) return filled;
    this.faults.push(`its placeholders make it longer than ${longest} characters`);
    return filled.slice(0, longest);
  }

  #env(whole: string, name: string): string {
    const value = this.#scope.env(name);
    if (value === undefined) this.faults.push(`the emperor's environment has no variable ${name}`);
    return value ?? whole;
  }

  async #file(whole: string, path: string): Promise<string> {
    const contents = await this.#scope.contents(path);
    // One end of line is the file's, as with $(cat file).
    if ('text' in contents) return contents.text.replace(/\r?\n$/, '');
    this.faults.push(contents.fault);
    return whole;
  }

  async #value(whole: string, inside: string, path: readonly string[]): Promise<string> {
    if (inside.includes(' ')) return this.#sum(inside, path);
    const value = await this.#named(inside, path);
    if (value === undefined) this.faults.push(`${whole} refers to nothing: no option or variable is called ${inside}`);
    return value ?? whole;
  }

  async #named(name: string, path: readonly string[]): Promise<string | undefined> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const raw = this.#scope.valueOf(name);
    if (raw === undefined) return undefined;
    if (path.includes(name)) {
      this.faults.push(`%(${name}) refers to itself: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`);
      return '';
    }
    this.faults.push(...this.#scope.faultsOf(name));
    const value = await this.fill(raw, [...path, name]);
    this.#known.set(name, value);
    return value;
  }

  /** From left to right, without precedence: `a + b * 2`; `a b` is one text behind the other. */
  async #sum(inside: string, path: readonly string[]): Promise<string> {
    let sum = '';
    let operator = '';
    for (const word of inside.split(' ').filter((one) => one !== '')) {
      if (word === '++' || word === '--') sum = String(wholeNumber(sum) + (word === '++' ? 1 : -1));
      else if (isOperator(word)) operator = word;
      else {
        sum = combine(sum, operator, await this.#operand(word, path));
        operator = '';
      }
    }
    return sum;
  }

  async #operand(word: string, path: readonly string[]): Promise<string> {
    if (/^\d+$/.test(word)) return word;
    const value = await this.#named(word, path);
    if (value === undefined) this.faults.push(`a sum refers to ${word}: no option or variable is called so`);
    return value ?? '';
  }
}

function isOperator(word: string): boolean {
  return ['+', '-', '*', '/', '++', '--'].includes(word);
}

function combine(left: string, operator: string, right: string): string {
  const [one, other] = [wholeNumber(left), wholeNumber(right)];
  switch (operator) {
    case '+':
      return String(one + other);
    case '-':
      return String(one - other);
    case '*':
      return String(one * other);
    case '/':
      return other === 0 ? '0' : String(Math.trunc(one / other));
    default:
      return left + right;
  }
}

/** The digits that a text begins with, as a number; 0 where there are none. */
function wholeNumber(text: string): number {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? 0 : number;
}

async function replaceAsync(
  text: string,
  pattern: RegExp,
  replace: (whole: string, inside: string) => Promise<string>,
): Promise<string> {
  let replaced = '';
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    replaced += text.slice(from, match.index) + (await replace(match[0], match[1] ?? ''));
    from = match.index + match[0].length;
  }
  return replaced + text.slice(from);
}
