import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { contentHashSchema, parsedJsonSchema, secretReferenceSchema, startSchema } from '@ryax/contracts';
import { ownPrefix } from './fields';

/** The incarnation of the executor that answers for a pod. */
export const ownerLabel = `${ownPrefix}executor`;
const originAnnotation = `${ownPrefix}origin`;

const originSchema = z.object({
  reply_partition: z.int().nonnegative(),
  since: z.number().nullable(),
  traceparent: z.string().optional(),
  timeout_ms: z.number().nullable(),
  resources: startSchema.shape.resources,
  action: z.discriminatedUnion('type', [
    z.object({ type: z.literal('container'), outputs: z.array(parsedJsonSchema) }),
    z.object({
      type: z.literal('handler'),
      content_hash: contentHashSchema,
      /** References: what they stand for must not be read in the log. */
      secrets: z.array(secretReferenceSchema),
    }),
  ]),
});

/** What a successor has to know of an attempt whose start it has not seen: to whom it reports, and how it judges. */
export type Origin = z.infer<typeof originSchema>;

/** The pod with its owner and, where it is of one attempt, its origin on it. */
export function owned(pod: V1Pod, incarnation: string, origin?: Origin): V1Pod {
  const { labels, annotations } = pod.metadata ?? {};
  const metadata = Object.assign({}, pod.metadata, {
    labels: { ...labels, [ownerLabel]: incarnation },
    annotations: { ...annotations, ...(origin && { [originAnnotation]: JSON.stringify(origin) }) },
  });
  return Object.assign({}, pod, { metadata });
}

export function ownerOf(pod: V1Pod): string | undefined {
  return pod.metadata?.labels?.[ownerLabel];
}

const leftPrefix = 'left.';

/** The owner of a pod whose executor has let go of it in peace: any other may have it at once. */
export function leftBy(incarnation: string): string {
  return `${leftPrefix}${incarnation}`;
}

/** Whether whoever had the pod has let go of it. */
export function isLeft(owner: string | undefined): boolean {
  return owner?.startsWith(leftPrefix) ?? false;
}

/** Those that have let go of one of these pods: they may still count as living, and adopt nothing. */
export function leaversAmong(pods: Iterable<V1Pod>): ReadonlySet<string> {
  const leavers = new Set<string>();
  for (const pod of pods) {
    const owner = ownerOf(pod) ?? '';
    if (isLeft(owner)) leavers.add(owner.slice(leftPrefix.length));
  }
  return leavers;
}

/** Undefined where somebody has changed it, or left it out. */
export function originOf(pod: V1Pod): Origin | undefined {
  const text = pod.metadata?.annotations?.[originAnnotation];
  if (text === undefined) return undefined;
  try {
    return parseOrigin(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Undefined where it is none. */
export function parseOrigin(value: unknown): Origin | undefined {
  return originSchema.safeParse(value).data;
}

/**
 * Which of the executors that live is to adopt a pod: all come to the same answer by themselves, and when one joins or leaves only
 * what is its own changes hands (rendezvous hashing, Thaler and Ravishankar 1998).
 */
export function adopterOf(uid: string, incarnations: readonly string[]): string | undefined {
  const weighed = incarnations.map((incarnation) => ({ incarnation, weight: weightOf(uid, incarnation) }));
  return weighed.sort((one, other) => (one.weight < other.weight ? 1 : -1))[0]?.incarnation;
}

function weightOf(uid: string, incarnation: string): string {
  return createHash('sha256').update(`${uid}/${incarnation}`).digest('hex');
}
