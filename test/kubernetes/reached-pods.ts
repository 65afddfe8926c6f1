import { connect } from 'node:net';
import { codeOf } from '@ryax/platform';
import { actionPort } from '../../apps/executor/src/kubernetes/pod-spec';
import { TestSite } from './site';
import { isReal, specMs } from './target';

let reached: Promise<void> | undefined;
const answerMs = 10_000;

/**
 * For a suite whose executors call their pods. Where these cannot be reached from here, which is so outside of most clusters, its specs
 * fail at once and say so, instead of each waiting for as long as an executor has patience.
 */
export function needsReachedPods(suite: () => void): () => void {
  return () => {
    if (isReal) beforeAll(() => (reached ??= reachOne()), specMs);
    suite();
  };
}

async function reachOne(): Promise<void> {
  const site = await TestSite.open();
  try {
    const executor = await site.executor();
    await executor.launch(site.launch('echo up; sleep 300')).log.has('up');
    const address = (await site.pods())[0]?.status?.podIP ?? '';
    if (await answers(address)) return;
    const advice = 'run the suite inside of the cluster, or add a route (docs/kubernetes.md)';
    throw new Error(`Pods are not reachable from here: ${address} has not answered. Either ${advice}`);
  } finally {
    await site.close();
  }
}

/** Nobody listens there, and that is an answer, too. */
function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: actionPort, timeout: answerMs });
    const settle = (isAnswer: boolean) => {
      socket.destroy();
      resolve(isAnswer);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', (error) => settle(codeOf(error) === 'ECONNREFUSED'));
  });
}
