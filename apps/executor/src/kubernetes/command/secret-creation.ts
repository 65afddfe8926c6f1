import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { backoffMs, wait } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import type { PodApi } from '../cluster/pod-api';
import { reasonOf } from '../cluster/pod-api';

const retry = { initialMs: 200, maxMs: 10_000 };

/** What a pod takes passwords from. It belongs to the pod: the cluster removes it with that, whoever is there or not. */
export function secretFor({ metadata }: V1Pod, content: Readonly<Record<string, string>>): V1Secret {
  const { name = '', namespace, uid = '', labels } = metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
    },
    type: 'Opaque',
    immutable: true,
    stringData: { ...content },
  };
}

/**
 * Creates it, after its pod, which waits for it. One that is there was created for the same attempt.
 * Rejects with an AttemptFailure where it cannot be created; never with its content.
 */
export async function createSecret(secret: V1Secret, api: PodApi, signal: AbortSignal): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answered = await api.createSecret(secret, signal);
    if (answered.verdict === 'ok' || answered.verdict === 'adopt') return;
    if (answered.verdict === 'rejected' || answered.verdict === 'gone') {
      const why = `The cluster has not taken the Secret with the passwords of the command: ${reasonOf(answered)}`;
      const advice = 'Check that the executor may create secrets in its namespace (docs/kubernetes.md)';
      throw new AttemptFailure({ kind: 'rejected', message: `${why}. ${advice}` });
    }
    const leastMs = 'retryAfterMs' in answered ? (answered.retryAfterMs ?? 0) : 0;
    await wait(Math.max(backoffMs(tries, retry), leastMs), signal);
  }
}
