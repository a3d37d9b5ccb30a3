// emperor shutdown: drain everything and end; returns when the emperor is gone.
import { systemClock } from '../../lib/clock.ts';
import { isAlive } from '../proc.ts';
import { runDirOption, withEmperor, type AddVerb, type RunDirFlag } from './verb.ts';

const lookEveryMs = 20;

export const addShutdown: AddVerb = (program, { terminal }) => {
  program
    .command('shutdown')
    .description('drain everything and end')
    .addOption(runDirOption())
    .action(async (flags: RunDirFlag) => {
      await withEmperor(flags, terminal, async (client) => {
        const { pid } = (await client.post('/shutdown')) as { readonly pid: number };
        terminal.out(`emperor (pid ${pid}) drains and ends\n`);
        await gone(pid);
        terminal.out('ended\n');
      });
    });
};

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) {
    await new Promise<void>((resolve) => {
      systemClock.after(lookEveryMs, resolve);
    });
  }
}
