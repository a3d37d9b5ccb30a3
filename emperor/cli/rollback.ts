// emperor rollback APP: go back to the good generation before the live one.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addRollback: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'rollback',
    description: 'go back to the good generation before the live one, until the file is edited',
    waits: 'it serves again',
    good: ['live'],
  });
};
