// emperor stop APP: drain and stop the app until it is started.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addStop: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'stop',
    description: 'drain and stop the app until it is started',
    waits: 'nothing of it runs any more',
    good: ['stopped'],
  });
};
