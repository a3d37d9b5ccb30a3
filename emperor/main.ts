#!/usr/bin/env node
// The `emperor` command. What the verbs do is in cli/, one file each.
import { messageOf } from '../lib/errors.ts';
import { cliExit } from '../lib/exit-codes.ts';
import { runCli } from './cli/program.ts';
import { terminal } from './cli/terminal.ts';

runCli(process.argv.slice(2), terminal).then(
  (code) => {
    // Not process.exit: what was written to a pipe is still on its way.
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`emperor: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
    process.exitCode = cliExit.failed;
  },
);
