// emperor version: the program, Node, and whether the addon is there.
import { native } from '../../native/index.ts';
import { version } from '../version.ts';
import type { AddVerb } from './verb.ts';

export const addVersion: AddVerb = (program, { terminal }) => {
  program
    .command('version')
    .description('print the version')
    .option('--json', 'print it as JSON')
    .action(({ json }: { readonly json?: boolean }) => {
      const addon = native.missing === undefined ? 'loaded' : `missing (${native.missing})`;
      if (json === true) terminal.out(`${JSON.stringify({ version, node: process.version, addon })}\n`);
      else terminal.out(`emperor ${version}, Node ${process.version}, addon ${addon}\n`);
    });
};
