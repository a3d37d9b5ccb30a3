// Request bodies, in both ways that HTTP/1.1 frames them.
import type { Scenario } from '../speed/scenario.ts';
import { measureWrkCases } from '../speed/wrk-cases.ts';

const body = 'x'.repeat(10 * 1024);
const chunk = 2048;
const chunks = Array.from({ length: body.length / chunk }, () => chunk);

export const post: Scenario = {
  summary: 'POST of 10 KB, with a Content-Length and chunked: CPU per request',
  run: (scope, settings) =>
    measureWrkCases(
      scope,
      settings,
      [
        {
          name: 'post, Content-Length',
          load: 'POST of 10 KB with a Content-Length, an answer of 12 bytes',
          request: { method: 'POST', body },
          atMost: 1.0,
        },
        {
          name: 'post, chunked',
          load: 'POST of 10 KB in chunks of 2 KB, an answer of 12 bytes',
          request: { method: 'POST', body, chunks },
          atMost: 1.0,
        },
      ],
      { without: { 'uWSGI http router': 'it has an upstream of its own, which reads bodies otherwise' } },
    ),
};
