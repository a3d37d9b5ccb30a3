// A copy of the package whose addon is compiled with AddressSanitizer and UndefinedBehaviorSanitizer. Tests that run from
// there load it, and so do the programs that they start: which addon a program loads follows from where it lies.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../harness/paths.ts';

/** Below build/, which nobody copies or commits. Its own build/ is kept: an unchanged addon is not compiled again. */
export const sanitizedRoot = join(packageRoot, 'build/sanitized');
const kept = 'build';
const leftOut = /^(?:\.git|node_modules|build|dist.*)$/;
const sanitizers = '-fsanitize=address,undefined';
export const compilerFlags = [sanitizers, '-fno-omit-frame-pointer', '-O1', '-g1'];
/**
 * With its runtime in a library of its own, UBSan would take the log's path to the preloaded ASan, whose functions have
 * the same names, and write to standard error, where nobody looks (gcc 12).
 */
export const linkerFlags = [sanitizers, '-static-libubsan', '-Wl,-Bsymbolic'];

/** The runtime that has to be in a process before the addon is; undefined where the compiler has none. */
export function findRuntime(): string | undefined {
  const { stdout, status, error } = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) return undefined;
  // A bare name is how g++ says that it has no such file.
  const path = stdout.trim();
  return path.includes('/') ? path : undefined;
}

/** Makes or renews the copy from what was built (dist/, whatever it is called), and compiles its addon. Throws if it cannot. */
export function makeSanitizedPackage(runtime: string): void {
  mkdirSync(sanitizedRoot, { recursive: true });
  for (const name of readdirSync(sanitizedRoot)) {
    if (name !== kept) rmSync(join(sanitizedRoot, name), { recursive: true });
  }
  for (const name of readdirSync(packageRoot)) {
    if (!leftOut.test(name)) cpSync(join(packageRoot, name), join(sanitizedRoot, name), { recursive: true });
  }
  const built = dirname(dirname(import.meta.dirname));
  cpSync(built, join(sanitizedRoot, 'dist'), { recursive: true });
  symlinkSync(join(packageRoot, 'node_modules'), join(sanitizedRoot, 'node_modules'));
  compile(runtime);
}

function compile(runtime: string): void {
  execFileSync(process.execPath, ['native/install.mjs'], {
    cwd: sanitizedRoot,
    stdio: 'inherit',
    env: {
      ...process.env,
      EMPEROR_NO_NATIVE: undefined,
      // The installer loads what it built; the compiler itself runs as always, and faster so.
      LD_PRELOAD: runtime,
      ASAN_OPTIONS: 'detect_leaks=0',
      CC: 'env -u LD_PRELOAD gcc',
      CXX: 'env -u LD_PRELOAD g++',
      CXXFLAGS: compilerFlags.join(' '),
      LDFLAGS: linkerFlags.join(' '),
    },
  });
  const addon = join(sanitizedRoot, 'build/Release/emperor_native.node');
  // The installer's exit code says nothing: without the addon everything works but what needs it.
  if (!existsSync(addon)) throw new Error('the addon could not be built with the sanitizers');
  const content = readFileSync(addon, 'latin1');
  for (const symbol of ['__asan_init', '__ubsan_handle']) {
    if (!content.includes(symbol)) throw new Error(`${basename(addon)} was compiled without ${symbol}`);
  }
}
