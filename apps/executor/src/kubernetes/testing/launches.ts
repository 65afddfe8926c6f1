import type { ContainerLaunch } from '../pod-spec';

/** The attempt of a command in an image. */
export function containerLaunch({ action, ...fields }: LaunchFields = {}): ContainerLaunch {
  return {
    project: 'default',
    runId: '4f7c1e9a2b',
    workflowId: 'quakes',
    execution: 'alarm',
    attempt: 1,
    inputs: {},
    resources: {},
    timeoutMs: null,
    origin: { replyPartition: 3, since: 1_700_000_000_000 },
    ...fields,
    action: { type: 'container', image: 'alpine:3.20', command: ['true'], env: {}, outputs: [], ...action },
  };
}
type LaunchFields = Partial<Omit<ContainerLaunch, 'action'>> & { readonly action?: Partial<ContainerLaunch['action']> };
