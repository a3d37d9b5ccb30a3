// What the statements of a vassal's file come to: keys of ours, variables, notes on what is not used, problems. Here
// the table of options is applied.
import { dirname } from 'node:path';
import { vassalFieldList } from '../../../lib/spec/field-list.ts';
import { appKeys, vassalFields } from '../../../lib/spec/vassal-spec.ts';
import { describeInput } from '../../../lib/spec/fields.ts';
import { problemAt, type Problem } from '../problem.ts';
import { nearest } from '../validate.ts';
import type { Expansion, Statement } from './expand.ts';
import type { Resolved } from './magic.ts';
import { effectiveUse, isOurKey, type OptionUse, type UseKind, type ValueForm } from './option-use.ts';
import { optionTable } from './option-table.ts';
import { placeOfKey, placeOfValue } from './origin.ts';
import { placeholderScope } from './placeholder-scope.ts';
import { fillPlaceholders, referredNames, type PlaceholderScope } from './placeholders.ts';
import type { Sources } from './sources.ts';
import { SpecRecord } from './spec-record.ts';

/** What became of one statement. */
export interface Outcome {
  readonly statement: Statement;
  /** Its value with everything filled in; as it was written where that failed. */
  readonly value: string;
  readonly use: UseKind | 'variable' | 'problem';
  /** The key of ours that it sets; null where it sets none. */
  readonly key: string | null;
  readonly what: string;
}

export interface Judged {
  readonly record: SpecRecord;
  readonly outcomes: readonly Outcome[];
  readonly problems: readonly Problem[];
}

export interface JudgeStatementsOptions {
  /** The vassal's file; absolute. */
  readonly file: string;
  readonly sources: Sources;
}

/** Applies the table to the statements of a file. */
export async function judgeStatements(expansion: Expansion, options: JudgeStatementsOptions): Promise<Judged> {
  const judge = new Judge(expansion, options);
  for (const statement of expansion.statements) await judge.take(statement);
  judge.finish();
  return judge;
}

/** Keys of ours that hold several values, so that an option of their name may stand several times. */
const listKeys: ReadonlySet<string> = new Set(['env-file', 'node-args', 'upstream']);

const knownNames: readonly string[] = [...optionTable.keys(), ...Object.keys(vassalFields)];

/** Unknown keys of a file for which a known name is looked for: each costs a comparison with a thousand names. */
const mostGuesses = 100;

class Judge implements Judged {
  readonly record = new SpecRecord();
  readonly outcomes: Outcome[] = [];
  readonly problems: Problem[] = [];
  readonly #options: JudgeStatementsOptions;
  readonly #scope: PlaceholderScope;
  readonly #referred: ReadonlySet<string>;
  /** Does the file say itself what its domains are, so that what it subscribes to does not count? */
  readonly #saysDomains: boolean;
  #unknown = 0;

  constructor({ statements, steps }: Expansion, options: JudgeStatementsOptions) {
    this.#options = options;
    this.#scope = placeholderScope(statements, options.sources, dirname(options.file));
    const conditions = steps.filter(({ key }) => /^if-(?:not-)?opt$/.test(key));
    this.#referred = new Set([
      ...[...statements, ...steps].flatMap(({ value }) => referredNames(value)),
      ...conditions.map(({ value }) => value.replace(/=.*/s, '')),
    ]);
    this.#saysDomains = statements.some(({ key }) => key === 'x-domains' || key === 'domains');
  }

  async take(statement: Statement): Promise<void> {
    const use = this.#useOf(statement);
    if (use === undefined) {
      this.#takeUnknown(statement);
      return;
    }
    const { text, faults } = await this.#fill(statement);
    const unsafe =
      use === 'variable' ? undefined : privilegeFault(statement.key, text, { use, sources: this.#options.sources });
    if (use === 'variable') {
      this.#tell(statement, { value: text, use, what: 'a variable' });
    } else if (unsafe !== undefined) {
      this.#refuse(statement, text, unsafe);
    } else if (use.use !== 'ours') {
      this.#tell(statement, { value: text, ...use });
    } else if (faults.length > 0) {
      this.#refuse(statement, text, { message: `${statement.key}: ${faults.join('; ')}`, hint: 'mend the value' });
    } else this.#set(statement, text, use);
  }

  /** What only the whole file tells. */
  finish(): void {
    const named = this.record.get('module');
    // As in uWSGI, where both name the callable that of the module counts.
    if (typeof named === 'string' && named.includes(':')) this.record.delete('callable');
    this.#checkApp();
  }

  /** An app that is not told would be an empty one. */
  #checkApp(): void {
    if (this.problems.length > 0 || appKeys.some((key) => this.record.has(key))) return;
    const wanted = ['module', 'wsgi-file', 'command', 'app'].filter((key) => isOurKey(key));
    const asked = this.outcomes.find(({ key, statement }) => key === null && tellsApp.has(statement.key));
    const message = `expected an option that says what the app is, such as ${wanted.join(', ')}`;
    if (asked === undefined) {
      this.problems.push(problemAt(this.#options.file, null, { message, hint: 'add one below [uwsgi]' }));
      return;
    }
    const { key, origin } = asked.statement;
    if (key === 'emperor') {
      const hint = 'give its directory to `emperor run`, and what it says of routers to emperor.yaml';
      const fault = { message: "this is the file of uWSGI's Emperor, and of no app", hint };
      this.problems.push(problemAt(this.#options.file, placeOfKey(origin), fault));
      return;
    }
    const fault = { message: `${message}, got ${key}, which is ${asked.what}`, hint: 'use one of them' };
    this.problems.push(problemAt(this.#options.file, placeOfKey(origin), fault));
  }

  #useOf({ key, isVariable }: Statement): OptionUse | 'variable' | undefined {
    if (isVariable && key !== 'x-domains') return 'variable';
    const known = optionTable.get(key);
    if (known !== undefined) return this.#narrow(effectiveUse(known), key);
    if (isOurKey(key)) return { use: 'ours', key, form: formOf(key) };
    if (this.#referred.has(key)) return 'variable';
    return key.startsWith('x-') ? 'variable' : undefined;
  }

  #narrow(use: OptionUse, key: string): OptionUse {
    if (use.use !== 'ours' || use.key !== 'domains' || key === 'x-domains' || !this.#saysDomains) return use;
    return { use: 'elsewhere', what: 'the file says its domains itself' };
  }

  #set(statement: Statement, text: string, { key, form }: Extract<OptionUse, { use: 'ours' }>): void {
    const fault = this.record.add({ key, form, text, origin: statement.origin });
    if (fault !== undefined) {
      this.#refuse(statement, text, {
        message: `${statement.key}: ${fault}`,
        hint: 'mend the value, or remove the line',
      });
      return;
    }
    this.#tell(statement, { value: text, use: 'ours', key, what: `sets ${key}` });
  }

  #takeUnknown(statement: Statement): void {
    const { key, origin, value } = statement;
    this.#unknown += 1;
    const near = this.#unknown > mostGuesses ? undefined : nearest(key, knownNames);
    if (near === undefined && origin.via !== undefined) {
      // What files have in common may hold variables that only some of them refer to.
      this.#tell(statement, { value, use: 'variable', what: 'a variable that nothing refers to' });
      return;
    }
    const hint =
      near === undefined ? `a variable is one that %(${key}) refers to, or starts with x-` : `did you mean ${near}?`;
    const message = `${describeInput(key)} is no option of uWSGI or of ours, and no %(${key}) refers to it`;
    this.outcomes.push({ statement, value, use: 'problem', key: null, what: message });
    this.problems.push(problemAt(this.#options.file, placeOfKey(origin), { message, hint }));
  }

  #refuse(statement: Statement, value: string, fault: { message: string; hint: string }): void {
    this.outcomes.push({ statement, value, use: 'problem', key: null, what: fault.message });
    this.problems.push(problemAt(this.#options.file, placeOfValue(statement.origin), fault));
  }

  #tell(statement: Statement, told: Pick<Outcome, 'value' | 'use' | 'what'> & { readonly key?: string }): void {
    const { value, use, what, key = null } = told;
    this.outcomes.push({ statement, value, use, key, what });
  }

  async #fill({ value, magicFaults }: Statement): Promise<Resolved> {
    const { text, faults } = await fillPlaceholders(value, this.#scope);
    return { text, faults: [...magicFaults, ...faults] };
  }
}

/**
 * An app that is to run as somebody else must not run as root without a word. Others than root cannot change users,
 * and uWSGI does not try.
 */
function privilegeFault(
  key: string,
  text: string,
  { use, sources }: { readonly use: OptionUse; readonly sources: Sources },
): { message: string; hint: string } | undefined {
  if ((key !== 'uid' && key !== 'gid') || use.use !== 'missing' || sources.host.uid !== 0) return undefined;
  if (text === '0' || text === 'root') return undefined;
  const message = `${key}: running as another user is not supported yet, and the app would run as root`;
  return { message, hint: `run the emperor as ${text}, or remove the line` };
}

/** Options by which a vassal of uWSGI says what its app is, and that are of no use here. */
const tellsApp: ReadonlySet<string> = new Set(
  'emperor module wsgi wsgi-file file mount rack rails psgi php-docroot php-app cgi eval paste ini-paste pecan worker-exec worker-exec2 pyrun python'.split(
    ' ',
  ),
);

/** How a key of ours is written in a file of uWSGI, which has texts only. */
function formOf(key: string): ValueForm {
  if (key === 'domains') return 'words';
  if (listKeys.has(key)) return 'texts';
  return vassalFieldList.find((field) => field.key === key)?.type === 'true or false' ? 'flag' : 'number';
}
