// npm run test:kubernetes: the contract of the executor with a cluster. By KUBECONFIG with a real one, otherwise with the test API
// server. Arguments go to Jest (`npm run test:kubernetes -- stopping`). What else it reads stands in docs/kubernetes.md.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { delimiter, resolve } from 'node:path';
import { ensureModules } from './lib/modules.mjs';
import { inRoot, root } from './lib/paths.mjs';

await ensureModules();
// npm runs this in the repository's folder, wherever it was called.
const calledIn = process.env.INIT_CWD ?? process.cwd();
const given = (process.env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
const isReal = given.length > 0;
const kubeconfig = given.map((path) => resolve(calledIn, path)).join(delimiter);
/** All pods of this run have it as a label. */
const run = randomBytes(5).toString('hex');
const namespace = process.env.RYAX_TEST_NAMESPACE ? `--namespace ${process.env.RYAX_TEST_NAMESPACE} ` : '';
console.log(
  isReal
    ? `Against the cluster of ${kubeconfig}
What a run leaves that is interrupted: kubectl delete pod ${namespace}--selector ryax-test-run=${run}`
    : 'Against the test API server (no KUBECONFIG)',
);

const args = [
  inRoot('node_modules', 'jest', 'bin', 'jest.js'),
  // Somebody's cluster is not asked by two at once, and what it has done is told spec by spec.
  ...(isReal ? ['--runInBand', '--verbose'] : []),
  ...process.argv.slice(2),
  // Last, as it takes all paths behind it: a path among the arguments chooses from these.
  ...['--roots', inRoot('test', 'kubernetes')],
];
const env = { ...process.env, RYAX_TEST_CLUSTER: isReal ? 'real' : 'none', RYAX_TEST_RUN: run };
if (isReal) env.KUBECONFIG = kubeconfig;
const jest = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
jest.once('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
jest.once('exit', (code) => (process.exitCode = code ?? 1));
