// The smallest exchange there is: what a router costs by itself.
import type { Scenario } from '../speed/scenario.ts';
import { measureWrkCases } from '../speed/wrk-cases.ts';

export const keepAlive: Scenario = {
  summary: 'small GET requests on kept-alive connections: CPU per request',
  run: (scope, settings) =>
    measureWrkCases(scope, settings, [
      { name: 'keep-alive', load: 'GET, an answer of 12 bytes, kept-alive connections', request: {}, atMost: 0.9 },
    ]),
};
