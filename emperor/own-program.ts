// This program as something that can be started anew: the code that is on disk now, with the arguments, the working
// directory and the environment that we were started with. It can be tried beside us, and put in our place.
import { spawn } from 'node:child_process';
import type { NativeAddon } from '../native/index.ts';

/** `emperor run … --preflight`: starts as for a run, says what it is, and ends. */
export const preflightFlag = '--preflight';
const preflightMs = 60_000;
const mostOutput = 16 * 1024;

export type Trial = { readonly version: string } | { /** In words. */ readonly problem: string };

/** Does the code on disk start with our arguments and settings? Never rejects. */
export async function tryOwnProgram(): Promise<Trial> {
  const { code, stdout, stderr } = await runNode([...ownArguments(), preflightFlag]);
  const version = versionIn(stdout);
  if (code === 0 && version !== undefined) return { version };
  const how = code === null ? `it did not end within ${preflightMs / 1000} seconds` : `it ended with exit code ${code}`;
  return { problem: stderr.trim() === '' ? how : stderr.trim() };
}

/**
 * Puts it in our place, under our pid; returns only by throwing, and then nothing has changed. `entry` is added to the
 * environment; `descriptors` stay open under the same numbers.
 */
export function becomeOwnProgram(addon: NativeAddon, entry: string, descriptors: readonly number[]): never {
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
  return addon.execute(
    process.execPath,
    [process.argv0, ...ownArguments()],
    [...environment, entry],
    [...new Set(descriptors)],
  );
}

/** What this program was started with, behind the name of Node. */
function ownArguments(): readonly string[] {
  return [...process.execArgv, ...process.argv.slice(1)];
}

interface Outcome {
  /** Null where it was killed, or could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runNode(args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: preflightMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-mostOutput);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-mostOutput);
    });
    child.once('error', (error) => {
      resolve({ code: null, stdout, stderr: error.message });
    });
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** What preflight prints: one line of JSON. */
function versionIn(text: string): string | undefined {
  try {
    const { version } = JSON.parse(text) as { readonly version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
