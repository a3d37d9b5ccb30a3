// Clients that come once: accepting, one exchange, closing.
import type { Scenario } from '../speed/scenario.ts';
import { measureWrkCases } from '../speed/wrk-cases.ts';

export const connections: Scenario = {
  summary: 'one request per connection: CPU per connection',
  run: (scope, settings) =>
    measureWrkCases(scope, settings, [
      {
        name: 'connections',
        load: 'one GET per connection (Connection: close), an answer of 12 bytes',
        request: { headers: [['Connection', 'close']] },
        atMost: 1.0,
        unit: 'connection',
      },
    ]),
};
