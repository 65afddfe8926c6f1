import type { V1ResourceRequirements } from '@kubernetes/client-node';
import type { Resources } from '@ryax/contracts';
import type { Amounts } from '../resource-pool';
import type { NodePool, SiteConfig } from './site-config';

type Defaults = SiteConfig['defaults'];

/**
 * What a pod takes of its pool: what the action asks, otherwise what the site has for it. A limit without a request is one to
 * Kubernetes, too. GPUs are whole ones.
 */
export function amountsOfPod({ cpu, memory_bytes, gpu }: Resources, { requests, limits }: Defaults): Amounts {
  return {
    slots: 1,
    cpu: cpu ?? requests.cpu ?? limits.cpu ?? 0,
    memory_bytes: memory_bytes ?? requests.memoryBytes ?? limits.memoryBytes ?? 0,
    gpu: Math.ceil(gpu ?? 0),
  };
}

/** What an action asks is requested and is its limit; what it does not ask is as the site has it. */
export function podResources(asked: Resources, pool: NodePool, { requests, limits }: Defaults): V1ResourceRequirements {
  const gpu = asked.gpu === undefined || asked.gpu === 0 ? {} : { [pool.gpuResource]: String(Math.ceil(asked.gpu)) };
  return {
    requests: {
      ...processors(asked.cpu ?? requests.cpu),
      ...bytes('memory', asked.memory_bytes ?? requests.memoryBytes),
      ...bytes('ephemeral-storage', requests.ephemeralStorageBytes),
      ...gpu,
    },
    limits: {
      ...processors(asked.cpu ?? limits.cpu),
      ...bytes('memory', asked.memory_bytes ?? limits.memoryBytes),
      ...bytes('ephemeral-storage', limits.ephemeralStorageBytes),
      ...gpu,
    },
  };
}

/** Kubernetes knows thousandths of a core. */
function processors(cores: number | undefined): Record<string, string> {
  if (cores === undefined) return {};
  // Rounded first: 2.007 * 1000 is a little more than 2007.
  const thousandths = Math.ceil(Math.round(cores * 1e6) / 1000);
  return { cpu: thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m` };
}

function bytes(name: string, count: number | undefined): Record<string, string> {
  if (count === undefined) return {};
  return { [name]: count % 2 ** 20 === 0 ? `${count / 2 ** 20}Mi` : String(count) };
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** A quantity of memory as it stands in a pod; undefined where it is none, or in a unit that nobody uses for memory. */
export function bytesOf(quantity: string | undefined): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(quantity ?? '') ?? [];
  const factor = unitBytes[unit];
  return count === undefined || factor === undefined ? undefined : Math.floor(Number(count) * factor);
}
