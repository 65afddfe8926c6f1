import { backoffMs, wait } from '@ryax/platform';
import type { ClusterConnection } from '../../apps/executor/src/kubernetes';
import { judgeAnswer, type ApiAnswer } from '../../apps/executor/src/kubernetes/api-answer';

/** Times of pods are compared with ours, in whole seconds: a little more than that misleads specs. */
const mostApartMs = 5_000;
/** A server that is there, and busy or about to come up, is asked again for so long. */
const busyMs = 30_000;
const retry = { initialMs: 100, maxMs: 2_000 };

/**
 * Asks for what all specs need, so that a cluster which refuses it says so at once: an executor asks again and again, as a right may yet
 * be given, and each spec would wait for all of its time.
 *
 * @param warn told what may mislead, and refuses nothing
 */
export async function checkCluster(
  connection: Pick<ClusterConnection, 'send'>,
  namespace: string,
  warn: (text: string) => void,
): Promise<void> {
  const { answer: pods, atMs } = await ask(connection, `/api/v1/namespaces/${namespace}/pods`, { limit: '1' });
  warnOfClocks(pods, atMs, warn);
  const verdict = judgeAnswer(pods);
  if (verdict.verdict !== 'ok') {
    const message = verdict.verdict === 'rejected' ? verdict.failure.message : verdict.message;
    throw unusable(namespace, `its pods cannot be listed: ${statusOf(pods)}${message}`);
  }
  // Pods of a namespace that is not there are an empty list. Who may not ask for a service account does not need to.
  const { answer: account } = await ask(connection, `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
  if (judgeAnswer(account).verdict !== 'gone') return;
  const advice = `kubectl create namespace ${namespace}`;
  throw unusable(namespace, `it is not there, or has no service account "default" yet: ${advice}`);
}

async function ask(
  connection: Pick<ClusterConnection, 'send'>,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<{ readonly answer: ApiAnswer; readonly atMs: number }> {
  const sinceMs = performance.now();
  for (let tries = 0; ; tries++) {
    const askedAtMs = Date.now();
    const answer = await connection.send({ method: 'GET', path, query }, { timeoutMs: 30_000 });
    const judged = judgeAnswer(answer);
    const isBusy = answer.type === 'answer' && (judged.verdict === 'throttled' || judged.verdict === 'unavailable');
    if (!isBusy || performance.now() - sinceMs >= busyMs) return { answer, atMs: (askedAtMs + Date.now()) / 2 };
    await wait(Math.max(backoffMs(tries, retry), judged.retryAfterMs ?? 0));
  }
}

function unusable(namespace: string, why: string): Error {
  const where = 'KUBECONFIG says which cluster, RYAX_TEST_NAMESPACE which namespace, docs/kubernetes.md which rights';
  return new Error(`These specs cannot use the namespace "${namespace}" of the cluster: ${why} (${where})`);
}

function statusOf(answer: ApiAnswer): string {
  return answer.type === 'answer' ? `status ${answer.status}. ` : 'no answer. ';
}

/** The date of an answer is cut to whole seconds. */
function warnOfClocks(answer: ApiAnswer, nowMs: number, warn: (text: string) => void): void {
  const date = answer.type === 'answer' ? answer.headers['date'] : undefined;
  const apartMs = date === undefined ? 0 : Date.parse(date) + 500 - nowMs;
  if (!(Math.abs(apartMs) > mostApartMs)) return;
  const direction = apartMs > 0 ? 'ahead of' : 'behind';
  const seconds = Math.round(Math.abs(apartMs) / 1_000);
  warn(`The clock of the API server is ${seconds} s ${direction} that of this machine: specs of time limits may fail`);
}
