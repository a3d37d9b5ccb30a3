// `npm run bench [-- NAME…]`: measurements of the real programs next to their peers. Not a test: nothing fails here.
import { cpus, loadavg, release } from 'node:os';
import { deploys } from './deploys/deploys.ts';
import { withScope } from './scope.ts';
import { edit } from './scenarios/edit.ts';
import { router } from './scenarios/router.ts';

const scenarios = { router, edit, deploys };

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(', ')}; there are: ${Object.keys(scenarios).join(', ')}`);
  process.exit(2);
}

// Reading a bundle of certificates at each start of Node would be measured with every system that is written for Node.
delete process.env['NODE_EXTRA_CA_CERTS'];

const today = new Date().toISOString().slice(0, 10);
const [load = 0] = loadavg();
console.log(
  `${today}, Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, load average ${load.toFixed(1)}`,
);
for (const [name, scenario] of Object.entries(scenarios)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`\n== ${name}`);
  await withScope(scenario);
}
