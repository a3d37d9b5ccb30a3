// emperor pause APP and resume APP: hold all requests of the app, for a migration, and let them go.
import { addAppVerb } from './app-verb.ts';
import type { AddVerb } from './verb.ts';

export const addPause: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'pause',
    description: 'let requests of the app wait until it is resumed',
    waits: 'none of its requests runs any more',
    good: ['paused'],
  });
};

export const addResume: AddVerb = (program, context) => {
  addAppVerb(program, context, {
    name: 'resume',
    description: 'let requests of a paused app go on',
    waits: 'every router lets them go',
    good: ['resumed'],
  });
};
