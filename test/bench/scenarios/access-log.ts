// The same as keep-alive, with one line per request written into a file by everybody.
import type { Scenario } from '../speed/scenario.ts';
import { measureWrkCases } from '../speed/wrk-cases.ts';

export const accessLog: Scenario = {
  summary: 'as keep-alive, with access logs on both sides: CPU per request',
  run: (scope, settings) =>
    measureWrkCases(
      scope,
      settings,
      [
        {
          name: 'access-log',
          load: 'GET, an answer of 12 bytes, kept-alive connections, an access log in a file',
          request: {},
          atMost: 1.1,
        },
      ],
      { accessLog: true },
    ),
};
