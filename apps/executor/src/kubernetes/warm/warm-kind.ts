import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { contentHashSchema, type Resources } from '@ryax/contracts';
import type { Launch } from '../../launcher';
import { managedBy, ownPrefix } from '../fields';
import { asLabelValue, executorName } from '../labels';

const kindLabel = `${ownPrefix}kind`;
const warm = 'warm';
const warmAnnotation = `${ownPrefix}warm`;
/** So much of the hash fits a label, and is enough to find the pods of an action by. */
const hashDigits = 40;

const kindSchema = z.object({
  project: z.string(),
  content_hash: contentHashSchema,
  resources: z.object({ cpu: z.number().optional(), memory_bytes: z.number().optional(), gpu: z.number().optional() }),
});

/** What the attempts have in common that one warm pod serves. A pod of one project never sees the inputs of another's. */
export type WarmKind = z.infer<typeof kindSchema>;

export function kindOf({ project, resources }: Pick<Launch, 'project' | 'resources'>, contentHash: string): WarmKind {
  return { project, content_hash: contentHash, resources: shapeOf(resources) };
}

/** The same text for the same kind. */
export function keyOf({ project, content_hash, resources: { cpu, memory_bytes, gpu } }: WarmKind): string {
  return JSON.stringify([project, content_hash, cpu ?? null, memory_bytes ?? null, gpu ?? null]);
}

export function warmLabels({ project, content_hash }: WarmKind, site: string, pool: string) {
  return {
    [managedBy]: executorName,
    [`${ownPrefix}site`]: site,
    [`${ownPrefix}pool`]: pool,
    [`${ownPrefix}project`]: asLabelValue(project),
    [kindLabel]: warm,
    [`${ownPrefix}content`]: content_hash.replace(/^sha256:/, '').slice(0, hashDigits),
  };
}

export function warmAnnotations(kind: WarmKind) {
  return { [warmAnnotation]: JSON.stringify(kind) };
}

export function isWarm(pod: V1Pod): boolean {
  const { labels } = pod.metadata ?? {};
  return labels?.[managedBy] === executorName && labels[kindLabel] === warm;
}

/** Undefined where somebody has changed it. */
export function kindOfPod(pod: V1Pod): WarmKind | undefined {
  try {
    return kindSchema.safeParse(JSON.parse(pod.metadata?.annotations?.[warmAnnotation] ?? '')).data;
  } catch {
    return undefined;
  }
}

/** Selects, of the pods of a site, the warm ones of a project that are not this executor's. */
export function foreignWarmPods(project: string, ownerLabel: string, incarnation: string): string {
  return `${kindLabel}=${warm},${ownPrefix}project=${asLabelValue(project)},${ownerLabel}!=${incarnation}`;
}

/** The time is the attempt's, not the pod's. */
function shapeOf({ cpu, memory_bytes, gpu }: Resources): WarmKind['resources'] {
  return {
    ...(cpu !== undefined && { cpu }),
    ...(memory_bytes !== undefined && { memory_bytes }),
    ...(gpu !== undefined && { gpu }),
  };
}
