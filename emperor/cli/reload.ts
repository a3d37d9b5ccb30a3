// emperor reload APP: deploy the app again: a new generation beside the old one.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addReload: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'reload',
    description: 'deploy the app again: a new generation beside the old one',
    waits: 'the new generation serves',
    good: ['live'],
  });
};
