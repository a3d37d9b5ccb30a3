// A directory of vassals' files, and scans of it that build on each other.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scanDirectory, type ConfigSnapshot, type FileState, type ScanOptions } from '../../emperor/config/scan.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';

/** A directory `v` beside an app, and scans that build on each other. Nothing settles unless a test says so. */
export class ConfigDirectory {
  readonly dir: string;
  readonly base: string;
  last: ConfigSnapshot | undefined;
  /** Wall clock of the scans, once a test holds it. */
  nowMs: number | undefined;

  constructor(t: Scope) {
    this.base = tempDir(t);
    this.dir = join(this.base, 'v');
    mkdirSync(this.dir);
    writeFileSync(join(this.dir, 'server.js'), '');
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Writes a file, of an age in seconds where one is given. */
  write(name: string, text: string | Buffer = 'app: server', ageS?: number): void {
    writeFileSync(this.path(name), text);
    if (ageS !== undefined) this.age(name, ageS);
  }

  age(name: string, ageS: number): void {
    const time = Math.floor(Date.now() / 1000) - ageS;
    utimesSync(this.path(name), time, time);
  }

  async scan(options: Partial<ScanOptions> = {}): Promise<ConfigSnapshot> {
    const clock = { wallMs: () => this.nowMs ?? Date.now() };
    const base = { directory: this.dir, runDir: '/run/emperor', defaults: {}, settleMs: 0, clock };
    this.last = await scanDirectory({ ...base, previous: this.last, ...options });
    return this.last;
  }

  async states(options: Partial<ScanOptions> = {}): Promise<Record<string, FileState['state']>> {
    const { files } = await this.scan(options);
    return Object.fromEntries([...files].map(([name, { state }]) => [name, state]));
  }

  file(name: string): FileState {
    const state = this.last?.files.get(name);
    assert.ok(state, `no file ${name}`);
    return state;
  }

  spec(name: string): VassalSpec {
    const state = this.file(name);
    assert.ok(state.state === 'valid', JSON.stringify(state));
    return state.spec;
  }

  problems(): string[] {
    return (this.last?.problems ?? []).map(
      ({ file, line, column, message }) =>
        `${file.replace(`${this.dir}/`, '')}${line === null ? '' : `:${line}:${column ?? ''}`} ${message.replaceAll(`${this.dir}/`, '')}`,
    );
  }
}

/**
 * Runs `body` as a user who is not allowed everything. Root becomes nobody meanwhile, so that tests of permissions
 * run for root, too; others stay who they are.
 */
export async function asUnprivileged(dir: string, body: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    chmodSync(dir, 0o755);
    process.seteuid?.(65534);
  }
  try {
    await body();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
