// Typed lint rules, the import rules between the programs, and what a pure file may not touch.
import { globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import globals from 'globals';

/** Files that decide and never act: time, randomness, files and processes reach them as arguments only. */
const pureFiles = [
  'emperor/planner.ts',
  'emperor/plan-ends.ts',
  'emperor/plan-processes.ts',
  'emperor/probation.ts',
  'emperor/rollout.ts',
  'emperor/canary.ts',
  'emperor/lifecycle.ts',
  'emperor/deadlines.ts',
  'emperor/fall.ts',
  'emperor/restart-policy.ts',
  'emperor/facts.ts',
  'emperor/routes.ts',
  'emperor/router-plan.ts',
  'emperor/router-trouble.ts',
  'emperor/farewell.ts',
  'emperor/listen-plan.ts',
  'emperor/app-state.ts',
  'emperor/status.ts',
  'emperor/rollout-status.ts',
  'emperor/scale-progress.ts',
  'emperor/api-values.ts',
  'emperor/config/uwsgi/!(sources).ts',
  'emperor/cli/table.ts',
  'emperor/cli/app-detail.ts',
  'emperor/cli/check-plan.ts',
  'vassal/pool-plan.ts',
  'vassal/worker-lifecycle.ts',
  'vassal/runtimes/node/handoff/request-fields.ts',
  'vassal/runtimes/node/handoff/answer-head.ts',
  'vassal/runtimes/upstream/backend-health.ts',
  'vassal/runtimes/upstream/backend-list.ts',
  'router/core/**/*.ts',
  'router/http1/**/*.ts',
];

const effects = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'http',
  'dgram',
  'child_process',
  'timers',
  'timers/promises',
  'process',
  'os',
];

const importBan = (folders) => ({
  patterns: folders.map((folder) => ({
    regex: `^(\\.\\./)+${folder}/`,
    message: `${folder}/ is another process: speak to it by messages (lib/protocol.ts).`,
  })),
});

const program = (name, others) => ({
  files: [`${name}/**/*.ts`],
  ignores: pureFiles,
  rules: { 'no-restricted-imports': ['error', importBan(others)] },
});

const pure = (name, others) => ({
  files: pureFiles.filter((file) => file.startsWith(`${name}/`)),
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: effects
          .flatMap((module) => [module, `node:${module}`])
          .map((name) => ({ name, message: 'A pure file takes effects as arguments.' })),
        ...importBan(others),
      },
    ],
    'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch'],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Time is an argument (lib/clock.ts).' },
      { object: 'Math', property: 'random', message: 'Randomness is an argument.' },
    ],
  },
});

const programs = ['emperor', 'vassal', 'router'];
const othersOf = (name) => programs.filter((other) => other !== name);

export default tseslint.config(
  globalIgnores(['dist', 'dist-*', 'build', 'node_modules', 'test/fixtures', 'configs/apps']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 12],
      'max-params': ['error', 4],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  ...programs.flatMap((name) => [program(name, othersOf(name)), pure(name, othersOf(name))]),
  {
    files: ['lib/**/*.ts', 'native/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', importBan([...programs])] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      // node:test's describe and it return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['describe', 'it', 'test', 'suite'] },
          ],
        },
      ],
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:timers/promises', message: 'Wait for the event (test/harness), not for time.' }] },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: globals.node },
  },
);
