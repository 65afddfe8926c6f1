import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { givenAnnotation, inputsAnnotation } from '../pod-spec';

/**
 * A pod without what nobody looks at once it is created: thousands of them are kept in memory, and their inputs, variables and
 * the server's own notes are most of what they take.
 */
export function trimmed(pod: V1Pod): V1Pod {
  const { metadata, spec, status } = pod;
  const { managedFields: _managed, annotations = {}, ...kept } = metadata ?? {};
  const { [inputsAnnotation]: _inputs, [givenAnnotation]: _given, ...others } = annotations;
  return {
    metadata: { ...kept, annotations: others },
    ...(spec && {
      spec: {
        ...(spec.nodeName && { nodeName: spec.nodeName }),
        ...(spec.activeDeadlineSeconds && { activeDeadlineSeconds: spec.activeDeadlineSeconds }),
        ...(spec.imagePullSecrets && { imagePullSecrets: spec.imagePullSecrets }),
        ...(spec.initContainers && { initContainers: spec.initContainers.map(trimmedContainer) }),
        containers: spec.containers.map(trimmedContainer),
      },
    }),
    ...(status && { status }),
  };
}

function trimmedContainer({ name, image, resources, restartPolicy }: V1Container): V1Container {
  return { name, ...(image && { image }), ...(resources && { resources }), ...(restartPolicy && { restartPolicy }) };
}
