// Ours: `emperor run`, the Node app, and an edit of the vassal's file.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmperor } from '../../harness/emperor-process.ts';
import { packageRoot } from '../../harness/paths.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import type { Contender, Release } from './contender.ts';
import { firstRelease, nodeApp, replaceFile } from './releases.ts';

export async function startOurs(scope: Scope): Promise<Contender> {
  const dir = join(tempDir(scope), 'app');
  mkdirSync(dir);
  const app = join(dir, 'server.js');
  // The version in the vassal's file makes the edit one of its content, not a mere touch.
  const vassal = ({ version }: Release): string => `app: ${app}\nprocesses: 2\nenv:\n  RELEASE: "${version}"\n`;
  replaceFile(app, nodeApp(firstRelease));
  // Nobody logs accesses: our log would be read by the process that also generates the load.
  const emperor = await startEmperor(scope, {
    vassals: { 'hello.yaml': vassal(firstRelease) },
    config: 'log:\n  access: false\n',
  });
  await emperor.appIs('hello', 'running');
  return {
    name: 'Emperor',
    setup: `${packageVersion()}, Node app, defaults; a deploy is an edit of hello.yaml`,
    port: emperor.port,
    host: 'hello.localhost',
    deploy: async (release) => {
      replaceFile(app, nodeApp(release));
      emperor.write('hello.yaml', vassal(release));
      return Promise.resolve();
    },
  };
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return version;
}
