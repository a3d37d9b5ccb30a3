// A copy of the built program that a test may change: the code on disk that a running emperor is replaced by.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { entryPoints } from '../../lib/entry-points.ts';
import { packageRoot } from './paths.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';

export class OwnBuild {
  readonly #root: string;

  constructor(t: Scope) {
    this.#root = tempDir(t);
    // dist/, whatever it is called here.
    const built = dirname(dirname(entryPoints.emperor));
    cpSync(built, join(this.#root, 'dist'), { recursive: true, filter: (source) => !isTest(built, source) });
    for (const name of ['node_modules', 'build']) symlinkSync(join(packageRoot, name), join(this.#root, name));
    cpSync(join(packageRoot, 'package.json'), join(this.#root, 'package.json'));
  }

  /** For `startEmperor`'s `program`. */
  get program(): string {
    return this.path('emperor/main.js');
  }

  /** A file below dist/. */
  path(file: string): string {
    return join(this.#root, 'dist', file);
  }

  setVersion(version: string): void {
    const file = join(this.#root, 'package.json');
    const content = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...content, version }));
  }

  /** Puts lines before those that a file has. */
  prepend(file: string, lines: string): void {
    writeFileSync(this.path(file), `${lines}\n${readFileSync(this.path(file), 'utf8')}`);
  }

  write(file: string, content: string): void {
    writeFileSync(this.path(file), content);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }
}

function isTest(built: string, source: string): boolean {
  return dirname(source) === built && basename(source) === 'test';
}
