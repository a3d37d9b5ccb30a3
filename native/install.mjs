// npm's install script: builds the addon if this machine can, says in one line what came of it, and lets the install
// go on either way, for everything but the addon's own functions works without it. Downloads nothing: without Node's
// headers at hand it does not even start node-gyp, which would fetch them. With --strict (npm run build:native) it
// builds in any case, shows the compiler's output, and fails if the build does.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const addonFile = join(packageRoot, 'build/Release/emperor_native.node');
const digestFile = join(packageRoot, 'build/Release/emperor_native.digest');
const logFile = 'build/native-install.log';

// A build takes well under a minute; a compiler that hangs must not hang `npm ci`.
const timeoutMs = 5 * 60_000;
const outputLimit = 4 * 1024 * 1024;

/** What a line of node-gyp's output means for the user; the first that is found is the reason. */
const reasons = [
  [/Could not find any Python installation/, 'no Python 3, which node-gyp needs'],
  [/not found: make|spawn make ENOENT/, 'no make'],
  [/^make: (\S+): (?:No such file or directory|Permission denied)/m, 'no C++ compiler: $1'],
  [/^FileNotFoundError: .*: '(.+)'/m, 'no C++ compiler: $1'],
  [/(fatal error: .*)/, '$1'],
  [/(error: .*)/, '$1'],
  [/^make: \*\*\* \[[^\]]*\/([^/\]]+)\] (Error \d+)/m, 'the C++ compiler failed on $1: $2'],
  [/^gyp ERR! stack (?:Error: )?(.*)/m, '$1'],
];

const strict = process.argv.includes('--strict');
process.exitCode = await install();

async function install() {
  if (process.env.EMPEROR_NO_NATIVE === '1') return say('the native addon is left out (EMPEROR_NO_NATIVE=1)');
  const digest = sourcesDigest();
  if (!strict && isUpToDate(digest)) return say('the native addon is up to date');

  const { reason, output } = await build();
  keepLog(output);
  if (reason === undefined) {
    writeFileSync(digestFile, digest);
    return say('the native addon is built');
  }
  const log = output === '' ? '' : `; all of it in ${logFile}`;
  say(`the native addon could not be built (${reason}${log}); running without it: see \`emperor status\``);
  return strict ? 1 : 0;
}

function say(message) {
  process.stdout.write(`emperor: ${message}\n`);
  return 0;
}

/** Resolves with `reason` undefined where the addon is built and loads. */
async function build() {
  if (process.platform === 'win32') return { reason: 'it needs a unix', output: '' };
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) return { reason: 'no node-gyp: npm brings one along', output: '' };
  const headers = findHeaders();
  if (headers === undefined) {
    return { reason: `no headers of Node ${process.version} (include/node/node_api.h)`, output: '' };
  }
  const { code, signal, output, timedOut } = await run(process.execPath, [
    nodeGyp,
    'rebuild',
    `--nodedir=${headers}`,
    '--jobs=max',
  ]);
  if (timedOut) return { reason: `no end after ${timeoutMs / 60_000} minutes`, output };
  if (code !== 0) return { reason: reasonIn(output) ?? `node-gyp ended with ${code ?? signal}`, output };
  const reason = loadFailure();
  return { reason, output: reason === undefined ? output : `${output}\n${reason}\n` };
}

/** npm names its node-gyp in the environment of install scripts; other package managers put one on PATH. */
function findNodeGyp() {
  const named = process.env.npm_config_node_gyp;
  if (named !== undefined && existsSync(named)) return named;
  const onPath = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node-gyp'));
  const besideNode = join(dirname(process.execPath), '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js');
  // What lies on PATH may be a shell wrapper, which Node could not run.
  return [...onPath, besideNode].find((file) => existsSync(file) && isScriptOfNode(file));
}

function isScriptOfNode(file) {
  return /^#!.*\bnode\b/.test(readFileSync(file, 'utf8').slice(0, 100));
}

/** The directory to give as --nodedir: the running Node's own, the system's, or what node-gyp fetched earlier. */
function findHeaders() {
  const cache =
    process.platform === 'darwin'
      ? join(homedir(), 'Library/Caches')
      : (process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'));
  const candidates = [
    process.env.npm_config_nodedir,
    dirname(dirname(realpathSync(process.execPath))),
    '/usr',
    join(process.env.npm_config_devdir ?? join(cache, 'node-gyp'), process.version.slice(1)),
  ];
  return candidates.find((directory) => directory && existsSync(join(directory, 'include/node/node_api.h')));
}

/** Runs to the end or the deadline; the whole process group, for make's compilers would go on without it. */
async function run(command, args) {
  // binding.gyp calls `node` by name. Last, so that it does not put other programs beside it before the user's own.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}${delimiter}${dirname(process.execPath)}` };
  const child = spawn(command, args, { cwd: packageRoot, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let timedOut = false;
  const onOutput = (text) => {
    if (strict) process.stdout.write(text);
    output = (output + text).slice(-outputLimit);
  };
  child.stdout.setEncoding('utf8').on('data', onOutput);
  child.stderr.setEncoding('utf8').on('data', onOutput);
  const killGroup = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const onInterrupt = () => {
    killGroup();
    process.exit(130);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup();
  }, timeoutMs);
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: 1, signal: null, output: error.message, timedOut }));
      child.once('close', (code, signal) => resolve({ code, signal, output, timedOut }));
    });
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}

function reasonIn(output) {
  for (const [pattern, words] of reasons) {
    const found = pattern.exec(output);
    if (found !== null) return words.replace(/\$(\d)/g, (_, group) => found[group]).slice(0, 200);
  }
  return undefined;
}

/** An addon that was built is of use only if this Node loads it. */
function loadFailure() {
  try {
    createRequire(import.meta.url)(addonFile);
    return undefined;
  } catch (error) {
    return `it does not load: ${error.message.split('\n')[0]}`;
  }
}

/** After the build, for `rebuild` begins with an empty build directory. */
function keepLog(output) {
  if (output === '') return;
  mkdirSync(join(packageRoot, 'build'), { recursive: true });
  writeFileSync(join(packageRoot, logFile), output);
}

function isUpToDate(digest) {
  if (!existsSync(addonFile) || !existsSync(digestFile)) return false;
  return readFileSync(digestFile, 'utf8') === digest && loadFailure() === undefined;
}

/** Of everything that goes into the addon but the compiler. Node's version is not in it: Node-API is stable. */
function sourcesDigest() {
  const digest = createHash('sha256').update(`${process.platform} ${process.arch}\0`);
  const sources = readdirSync(join(packageRoot, 'native/src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(packageRoot, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
  for (const file of ['binding.gyp', ...sources]) {
    digest
      .update(`${file}\0`)
      .update(readFileSync(join(packageRoot, file)))
      .update('\0');
  }
  return digest.digest('hex');
}
