import { AttemptFailure } from '../process/attempt-failure';
import type { SiteConfig } from './site-config';

/**
 * The image of an action's content: in the site's repository, under the content's hash, so that what runs is what was published.
 * @throws AttemptFailure where the site has no such repository
 */
export function imageOfAction({ name, actionImages }: SiteConfig, contentHash: string): string {
  if (actionImages !== undefined) return `${actionImages}:${tagOfContent(contentHash)}`;
  const message = `The site ${name} has no images of actions: set actionImages in its configuration, or use a container`;
  throw new AttemptFailure({ kind: 'rejected', message });
}

/** `sha256:` and 64 digits are no tag, the digits are one. */
export function tagOfContent(contentHash: string): string {
  return contentHash.replace(/^sha256:/, '');
}
