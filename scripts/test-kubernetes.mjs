// npm run test:kubernetes: the contract of the executor with a cluster. By KUBECONFIG with a real one, otherwise with the test API
// server. Arguments go to Jest (`npm run test:kubernetes -- stopping`). What else it reads stands in docs/kubernetes.md.
import { spawn } from 'node:child_process';
import { ensureModules } from './lib/modules.mjs';
import { inRoot, root } from './lib/paths.mjs';

await ensureModules();
const isReal = (process.env.KUBECONFIG ?? '') !== '';
console.log(
  isReal ? `Against the cluster of ${process.env.KUBECONFIG}` : 'Against the test API server (no KUBECONFIG)',
);

const args = [
  inRoot('node_modules', 'jest', 'bin', 'jest.js'),
  // Somebody's cluster is not asked by two at once, and what it has done is told spec by spec.
  ...(isReal ? ['--runInBand', '--verbose'] : []),
  ...process.argv.slice(2),
  // Last, as it takes all paths behind it: a path among the arguments chooses from these.
  ...['--roots', inRoot('test', 'kubernetes')],
];
const env = { ...process.env, RYAX_TEST_CLUSTER: isReal ? 'real' : 'none' };
const jest = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
jest.once('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
jest.once('exit', (code) => (process.exitCode = code ?? 1));
