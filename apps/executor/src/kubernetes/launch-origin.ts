import type { V1Pod } from '@kubernetes/client-node';
import { isSecretReference, parsedJsonObjectSchema, type JsonObject, type SecretReference } from '@ryax/contracts';
import type { Launch } from '../launcher';
import type { Origin } from './ownership';
import type { PodIdentity } from './pod-name';
import { givenAnnotation } from './pod-spec';
import { mainContainer, specOf } from './pod-status';

/** What of a launch is written on its pod. */
export function originIn({ origin, timeoutMs, resources, action, inputs }: Launch): Origin {
  return {
    reply_partition: origin.replyPartition,
    since: origin.since,
    ...(origin.traceparent !== undefined && { traceparent: origin.traceparent }),
    timeout_ms: timeoutMs,
    resources,
    action:
      action.type === 'container'
        ? { type: 'container', outputs: action.outputs }
        : {
            type: 'handler',
            content_hash: action.content_hash,
            secrets: Object.values(inputs).filter(isSecretReference),
          },
  };
}

/**
 * What is needed of a launch whose pod is there: of a command its outputs, and such inputs as its pod may have yet to be given.
 * @param pod only of a command
 */
export function launchFrom(pod: V1Pod | undefined, identity: PodIdentity, origin: Origin): Launch {
  const { reply_partition: replyPartition, since, traceparent, timeout_ms: timeoutMs, resources, action } = origin;
  const image = (pod && specOf(pod, mainContainer)?.image) ?? '';
  return {
    ...identity,
    workflowId: '',
    action:
      action.type === 'container'
        ? { type: 'container', image, command: [], env: {}, outputs: action.outputs }
        : { type: 'handler', content_hash: action.content_hash },
    inputs: action.type === 'container' ? givenIn(pod) : {},
    resources,
    timeoutMs,
    origin: { replyPartition, since, traceparent },
  };
}

function givenIn(pod: V1Pod | undefined): JsonObject {
  const text = pod?.metadata?.annotations?.[givenAnnotation];
  return text === undefined ? {} : parsedJsonObjectSchema.parse(JSON.parse(text));
}

export function secretsIn({ action }: Origin): readonly SecretReference[] {
  return action.type === 'handler' ? action.secrets : [];
}
