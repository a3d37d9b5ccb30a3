// emperor scale APP N: another number of workers, until the file is edited.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addScale: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'scale',
    description: 'run another number of workers, until the file is edited',
    waits: 'so many are ready and no other runs',
    good: ['scaled'],
    number: 'processes',
  });
};
