import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Launch } from '../launcher';
import { labelValue, managedBy, ownPrefix } from './fields';
import type { PodIdentity } from './pod-name';

/** Whom a pod belongs to: the value of `app.kubernetes.io/managed-by`. */
export const executorName = 'ryax-executor';

/** A digest as a label; a text that looks like one gets one, too, so that the two are never mistaken for each other. */
const digestPrefix = 'sha256.';

/** By these a successor finds the pods of its site, and people those of a run. */
export function ownLabels({ project, runId, execution, attempt }: PodIdentity, site: string, pool: string) {
  return {
    [managedBy]: executorName,
    [`${ownPrefix}site`]: site,
    [`${ownPrefix}pool`]: pool,
    [`${ownPrefix}project`]: asLabelValue(project),
    [`${ownPrefix}run`]: asLabelValue(runId),
    [`${ownPrefix}execution`]: asLabelValue(execution),
    [`${ownPrefix}attempt`]: String(attempt),
  };
}

/** Selects those of one pool: only its executors answer for them. */
export function podsOfPool(site: string, pool: string): string {
  return `${managedBy}=${executorName},${ownPrefix}site=${site},${ownPrefix}pool=${pool}`;
}

/** The ids in full: a label cannot hold all of them. */
export function ownAnnotations({ project, runId, execution, attempt, workflowId }: Launch) {
  return {
    [`${ownPrefix}project`]: project,
    [`${ownPrefix}run`]: runId,
    [`${ownPrefix}execution`]: execution,
    [`${ownPrefix}attempt`]: String(attempt),
    [`${ownPrefix}workflow`]: workflowId,
  };
}

/** Which attempt a pod is; undefined when it is none of ours. */
export function identityOf(pod: V1Pod): PodIdentity | undefined {
  const { labels, annotations } = pod.metadata ?? {};
  if (labels?.[managedBy] !== executorName) return undefined;
  const project = annotations?.[`${ownPrefix}project`];
  const runId = annotations?.[`${ownPrefix}run`];
  const execution = annotations?.[`${ownPrefix}execution`];
  const attempt = Number(annotations?.[`${ownPrefix}attempt`]);
  if (project === undefined || runId === undefined || execution === undefined) return undefined;
  return Number.isSafeInteger(attempt) && attempt > 0 ? { project, runId, execution, attempt } : undefined;
}

/** The text itself where a label can hold it, otherwise its digest. */
export function asLabelValue(text: string): string {
  const isValid = text !== '' && labelValue.safeParse(text).success && !text.startsWith(digestPrefix);
  return isValid ? text : `${digestPrefix}${createHash('sha256').update(text).digest('hex').slice(0, 40)}`;
}
