// Installs and builds what is missing, so that `npm test` and `npm run demo` work on a fresh clone.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv[2];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`sangate needs Node 20.19 or newer; this is ${process.versions.node}`);
}
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  run('installing packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
if (wanted === 'build' && modified('dist/main.js') < newest('src')) {
  run('building (tsc)', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  chmodSync(path.join(root, 'dist/main.js'), 0o755); // `npx sangate` in a checkout runs it by its first line
}

function run(what, command, args) {
  console.error(`sangate: ${what} …`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status !== 0) fail(`${what} failed; the lines above say why`);
}

function modified(file) {
  const at = path.join(root, file);
  return existsSync(at) ? statSync(at).mtimeMs : 0;
}

function newest(folder) {
  return Math.max(
    ...readdirSync(path.join(root, folder), { recursive: true }).map((f) => modified(path.join(folder, f))),
  );
}

function fail(message) {
  console.error(`sangate: ${message}`);
  process.exit(1);
}
