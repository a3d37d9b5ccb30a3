// From a vassal's file to a flat list of statements: blocks taken or left out, included files in their places, magic
// variables replaced. What a statement means is not known here (statements.ts).
import { dirname, extname, resolve } from 'node:path';
import { problemAt, type Problem } from '../problem.ts';
import type { ConfigLine } from './ini-lines.ts';
import { readLines } from './file-lines.ts';
import { endsBlock, openBlock, opensBlock, type Block } from './logic.ts';
import { replaceMagic, type FileIdentity, type Resolved } from './magic.ts';
import { optionTable } from './option-table.ts';
import { placeholderScope } from './placeholder-scope.ts';
import { fillPlaceholders } from './placeholders.ts';
import { placeOfKey, placeOfValue, type Origin } from './origin.ts';
import type { Sources } from './sources.ts';

/** An option that is set. */
export interface Statement {
  readonly key: string;
  /** Magic variables are replaced, placeholders are not. */
  readonly value: string;
  /** It says itself that it is a variable (`set-placeholder`). */
  readonly isVariable: boolean;
  readonly magicFaults: readonly string[];
  readonly origin: Origin;
}

/** A line that sets nothing: what it did to the reading. */
export interface ReadingStep {
  readonly key: string;
  readonly value: string;
  readonly what: string;
  readonly isSkipped: boolean;
  readonly origin: Origin;
}

export interface Expansion {
  /** In the order in which uWSGI meets them. */
  readonly statements: readonly Statement[];
  /** With the statements, every line of the sections that were read. */
  readonly steps: readonly ReadingStep[];
  readonly problems: readonly Problem[];
}

export interface ExpandOptions {
  /** The vassal's file; absolute. */
  readonly file: string;
  readonly text: string;
  readonly sources: Sources;
}

/** Files that include each other may be so many deep. */
const deepest = 16;
/** A vassal has some twenty lines; loops and includes may make more of them. Each costs time that others wait for. */
const mostLines = 10_000;
const mostIncludes = 200;

/** Reads a vassal's file and everything it includes. Never rejects for bad input. */
export async function expand(options: ExpandOptions): Promise<Expansion> {
  const expander = new Expander(options);
  await expander.run();
  return expander;
}

interface Frame {
  readonly identity: FileIdentity;
  readonly via: Origin | undefined;
  /** `file:section` of this file and those that include it. */
  readonly chain: readonly string[];
}

class Expander implements Expansion {
  readonly statements: Statement[] = [];
  readonly steps: ReadingStep[] = [];
  readonly problems: Problem[] = [];
  readonly #options: ExpandOptions;
  readonly #root: FileIdentity;
  readonly #directory: string;
  /** `file:section` of all that was read. */
  readonly #sections = new Set<string>();
  #lines = 0;
  #includes = 0;
  readonly #inherited: { value: string; origin: Origin; frame: Frame }[] = [];

  constructor(options: ExpandOptions) {
    this.#options = options;
    const { file } = options;
    this.#root = { given: file.slice(dirname(file).length + 1), path: file, section: '' };
    this.#directory = dirname(file);
  }

  async run(): Promise<void> {
    const { file, text } = this.#options;
    const frame = { identity: this.#root, via: undefined, chain: [`${file}:uwsgi`] };
    await this.#readText(text, frame);
    // An inherited file may inherit, too: the list grows while it is gone through.
    for (const { value, origin, frame: own } of this.#inherited) {
      const scope = placeholderScope(this.statements, this.#options.sources, this.#directory);
      const filled = await fillPlaceholders(value, scope);
      await this.#include(filled.text, origin, own);
    }
    this.#tellUnread();
  }

  async #readText(text: string, frame: Frame): Promise<void> {
    const { path, section } = frame.identity;
    const wanted = section === '' ? 'uwsgi' : section;
    this.#sections.add(`${path}:${wanted}`);
    const read = readLines(text, path);
    if (!read.ok) {
      for (const { line, column, message, hint } of read.problems) {
        const at = { line: line ?? 1, column: column ?? 1 };
        this.#refuse({ file: path, at, valueAt: at, via: frame.via }, { message, hint: hint ?? 'mend the file' });
      }
      return;
    }
    const faults = read.faults.filter((one) => one.section === '' || one.section === wanted);
    for (const fault of faults) {
      this.#refuse({ file: path, at: fault.at, valueAt: fault.at, via: frame.via }, fault);
    }
    const lines = read.lines.filter((line) => line.section === wanted);
    if (lines.length === 0 && faults.length === 0) this.#refuseEmpty(wanted, [...read.sections.keys()], frame);
    await this.#readLines(lines, frame);
  }

  /** Sections of the vassal's own file that nothing led to. */
  #tellUnread(): void {
    const { path } = this.#root;
    const read = readLines(this.#options.text, path);
    for (const [name, at] of read.ok ? read.sections : []) {
      if (this.#sections.has(`${path}:${name}`)) continue;
      const origin = { file: path, at, valueAt: at, via: undefined };
      this.steps.push({ key: `[${name}]`, value: '', what: 'this section is not read', isSkipped: true, origin });
    }
  }

  #refuseEmpty(wanted: string, sections: readonly string[], { identity, via }: Frame): void {
    // In a file for several vassals, everything may be commented out.
    if (via !== undefined && sections.includes(wanted)) return;
    const others = sections.filter((name) => name !== wanted);
    const found = sections.includes(wanted)
      ? 'which is empty'
      : others.length === 0
        ? 'but the file has no section'
        : `but the file has only ${others.map((name) => `[${name}]`).join(', ')}`;
    const fault = {
      message: `expected options in the section [${wanted}], ${found}`,
      hint: `write [${wanted}] above the options`,
    };
    if (via === undefined) this.problems.push(problemAt(this.#root.path, null, fault));
    else this.#refuse(via, { ...fault, message: `${identity.path}: ${fault.message}` });
  }

  async #readLines(lines: readonly ConfigLine[], frame: Frame): Promise<void> {
    let block: Block | undefined;
    for (const line of lines) {
      const origin = { file: frame.identity.path, at: line.at, valueAt: line.valueAt, via: frame.via };
      const key = this.#magic(line.key, frame).text;
      const value = this.#magic(line.value, frame);
      const step = { key, value: value.text, origin };
      if (endsBlock(key)) {
        block = undefined;
        this.steps.push({ ...step, what: 'ends the block', isSkipped: false });
      } else if (opensBlock(key)) {
        block = await this.#open(step, block);
      } else if (block?.kind === 'skipped') {
        this.steps.push({ ...step, what: `left out by ${block.opener}: ${block.why}`, isSkipped: true });
      } else {
        for (const item of block?.items ?? [undefined]) {
          if (this.#isTooMuch(origin)) return;
          const text = item === undefined ? value.text : value.text.replaceAll('%(_)', item);
          await this.#apply({ key, origin, value: { text, faults: value.faults } }, frame);
        }
      }
    }
  }

  /** Counts a line; once there are too many, none is read any more, and it is told once. */
  #isTooMuch(origin: Origin): boolean {
    this.#lines += 1;
    if (this.#lines === mostLines + 1) {
      const message = `its loops and includes come to more than ${mostLines} lines`;
      this.#refuse(origin, { message, hint: 'look for a loop that repeats too much' });
    }
    return this.#lines > mostLines;
  }

  async #open(step: Omit<ReadingStep, 'what' | 'isSkipped'>, outer: Block | undefined): Promise<Block | undefined> {
    const { key, value, origin } = step;
    if (outer !== undefined) {
      const message = `${key} stands within ${outer.opener}, and blocks of uWSGI do not nest`;
      this.#refuse(origin, { message, hint: 'end the outer block before it, with endif or endfor' });
      return outer;
    }
    const opening = await openBlock(key, value, {
      sources: this.#options.sources,
      valueOf: (name) => this.statements.find((statement) => statement.key === name)?.value,
      resolve: (path) => resolve(this.#directory, path),
    });
    if (opening.kind === 'fault') {
      this.#refuse(origin, opening, 'value');
      return undefined;
    }
    const times = opening.kind === 'skipped' ? 0 : opening.items.length;
    const what = key.startsWith('for')
      ? `the lines below it are read ${times} ${times === 1 ? 'time' : 'times'}`
      : opening.kind === 'skipped'
        ? opening.why
        : 'the condition holds';
    this.steps.push({ ...step, what, isSkipped: false });
    return opening;
  }

  async #apply(applied: Applied, frame: Frame): Promise<void> {
    const { key, value, origin } = applied;
    const step = { key, value: value.text, origin, isSkipped: false };
    const use = optionTable.get(key);
    if (key === 'else') {
      this.#refuse(origin, { message: 'uWSGI 2.0 has no else', hint: 'end the block, and begin an if-not- block' });
      return;
    }
    if (use?.use !== 'reading') {
      const { text, faults } = value;
      this.statements.push({ key, value: text, isVariable: false, magicFaults: faults, origin });
    } else if (key.startsWith('set')) {
      this.#set(applied);
    } else {
      this.steps.push({ ...step, what: use.what });
      if (key === 'inherit') this.#inherited.push({ value: value.text, origin, frame });
      else await this.#include(value.text, origin, frame);
    }
  }

  /** `set-placeholder = name=value` */
  #set({ key, value, origin }: Applied): void {
    const equals = value.text.indexOf('=');
    if (equals < 1) {
      const message = `${key}: expected name=value, got ${value.text === '' ? 'nothing' : value.text}`;
      this.#refuse(origin, { message, hint: `write ${key} = name=value` }, 'value');
      return;
    }
    const name = value.text.slice(0, equals);
    if (key !== 'set' && optionTable.has(name) && !name.startsWith('x-')) {
      const message = `${key}: ${name} is an option, and cannot be a variable`;
      this.#refuse(origin, { message, hint: `write ${name} = ${value.text.slice(equals + 1)}` }, 'value');
      return;
    }
    this.statements.push({
      ...{ key: name, value: value.text.slice(equals + 1), isVariable: key !== 'set' },
      ...{ magicFaults: value.faults, origin },
    });
  }

  async #include(written: string, origin: Origin, frame: Frame): Promise<void> {
    this.#includes += 1;
    const fault =
      this.#includes > mostIncludes
        ? { message: `expected at most ${mostIncludes} includes`, hint: 'include fewer files' }
        : includeFault(written);
    if (fault !== undefined) {
      this.#refuse(origin, fault, 'value');
      return;
    }
    const colon = written.indexOf(':');
    const file = colon === -1 ? written : written.slice(0, colon);
    const section = colon === -1 ? '' : written.slice(colon + 1);
    const path = file === '' ? frame.identity.path : resolve(this.#directory, file);
    const link = `${path}:${section === '' ? 'uwsgi' : section}`;
    if (frame.chain.includes(link)) {
      const circle = [...frame.chain.slice(frame.chain.indexOf(link)), link].join(' -> ');
      this.#refuse(
        origin,
        { message: `the files include each other in a circle: ${circle}`, hint: 'remove one of the lines' },
        'value',
      );
      return;
    }
    if (frame.chain.length >= deepest) {
      this.#refuse(
        origin,
        { message: `expected at most ${deepest} files that include each other`, hint: 'include fewer' },
        'value',
      );
      return;
    }
    const text = path === this.#root.path ? { text: this.#options.text } : await this.#options.sources.read(path);
    if ('fault' in text) {
      this.#refuse(
        origin,
        { message: `cannot be included: ${text.fault}`, hint: `paths are relative to ${this.#directory}` },
        'value',
      );
      return;
    }
    const identity = { given: file === '' ? frame.identity.given : file, path, section };
    await this.#readText(text.text, { identity, via: origin, chain: [...frame.chain, link] });
  }

  #magic(text: string, { identity }: Frame): Resolved {
    const { host } = this.#options.sources;
    return replaceMagic(text, { file: identity, root: this.#root, directory: this.#directory, host });
  }

  #refuse(origin: Origin, fault: { message: string; hint: string }, part: 'key' | 'value' = 'key'): void {
    const place = part === 'key' ? placeOfKey(origin) : placeOfValue(origin);
    this.problems.push(problemAt(this.#root.path, place, fault));
  }
}

interface Applied {
  readonly key: string;
  readonly value: Resolved;
  readonly origin: Origin;
}

/** Why a file cannot be included whatever it says. */
function includeFault(written: string): { message: string; hint: string } | undefined {
  if (written === '') return { message: 'expected a file to include, got nothing', hint: 'write include = file.ini' };
  if (/^[a-z]+:\/\//.test(written) || written === '-') {
    return {
      message: `expected a file to include, got ${written}`,
      hint: 'only files are read: put the options into one',
    };
  }
  if (/[%$@]\(/.test(written)) {
    const message = `expected a path, got ${written}: files are included before placeholders are filled in`;
    return { message, hint: 'write the path, or use a magic variable such as %d' };
  }
  if (/\.(?:xml|sqlite3?)(?::|$)/.test(written)) {
    return { message: `expected an ini, YAML or JSON file, got ${extname(written)}`, hint: 'write its options as ini' };
  }
  return undefined;
}
