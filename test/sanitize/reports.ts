// Where the sanitizers of all processes leave what they found: one file for each process that had something to say.
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Reports {
  readonly #directory: string;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'emperor-sanitize-'));
    // Workers may run as another user.
    chmodSync(this.#directory, 0o1777);
  }

  /**
   * What a process and all its children need. Node frees at its exit what it needs no more only in part, by design, so
   * leaks are not looked for: test/chaos/leaks does, by counting.
   */
  environment(runtime: string): Readonly<Record<string, string>> {
    const path = join(this.#directory, 'report');
    return {
      LD_PRELOAD: runtime,
      ASAN_OPTIONS: `detect_leaks=0:detect_stack_use_after_return=1:log_path=${path}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${path}-ub`,
    };
  }

  read(): readonly string[] {
    return readdirSync(this.#directory)
      .sort()
      .map((name) => `${name}:\n${readFileSync(join(this.#directory, name), 'utf8')}`);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
