// emperor start APP: start an app that was stopped, or that waits to be tried again.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addStart: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'start',
    description: 'start an app that was stopped, or that waits to be tried again',
    waits: 'it serves',
    good: ['live'],
  });
};
