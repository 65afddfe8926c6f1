import type { PodEvent } from './event-recorder';
import type { Container } from './objects';

/** Why a container cannot start yet. A kubelet shows the steps one after the other, and tries again after the last. */
export interface Obstacle {
  readonly steps: readonly { readonly reason: string; readonly message: string; readonly seconds: number }[];
  readonly event: PodEvent;
}

const retrySeconds = 10;
const maxBackOffSeconds = 300;

/** What is wrong with the image of a container, at its n-th attempt from 0. */
export function imageObstacle(
  { name, image = '', imagePullPolicy }: Container,
  isMissing: boolean,
  attempt: number,
): Obstacle | undefined {
  const repository = image.replace(/[:@].*$/, '');
  if (/[A-Z]/.test(repository.slice(repository.indexOf('/') + 1))) {
    const upper = repository.slice(repository.lastIndexOf('/') + 1);
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format: repository name (${upper}) must be lowercase`;
    return obstacle('InvalidImageName', message, { reason: 'InspectFailed', container: name });
  }
  if (!isMissing) return undefined;
  if (imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    return obstacle('ErrImageNeverPull', message, { reason: 'ErrImageNeverPull', container: name });
  }
  const message = `failed to pull and unpack image "${image}": failed to resolve image: ${image}: not found`;
  return {
    steps: [
      { reason: 'ErrImagePull', message, seconds: 1 },
      {
        reason: 'ImagePullBackOff',
        message: `Back-off pulling image "${image}": ErrImagePull: ${message}`,
        seconds: Math.min(retrySeconds * 2 ** attempt, maxBackOffSeconds),
      },
    ],
    event: {
      type: 'Warning',
      reason: 'Failed',
      message: `Failed to pull image "${image}": ${message}`,
      container: name,
    },
  };
}

/** A secret or a config map that the environment of a container needs is not there. */
export function configObstacle({ name }: Container, message: string): Obstacle {
  return obstacle('CreateContainerConfigError', message, {
    reason: 'Failed',
    message: `Error: ${message}`,
    container: name,
  });
}

function obstacle(reason: string, message: string, event: Partial<PodEvent>): Obstacle {
  return {
    steps: [{ reason, message, seconds: retrySeconds }],
    event: { type: 'Warning', reason, message, ...event },
  };
}
