import {
  parseDurationMs,
  parseSizeBytes,
  type EntryResources,
  type ForEach,
  type Resources,
  type Retry,
} from '@ryax/contracts';
import type { Faults } from './faults';
import { at, type Place } from './place';
import { defaultMemoryGrowth } from '../run/memory-growth';
import type { ForEachPlan, RetryPlan } from './plan';

/** The settings of an entry that are numbers: with units parsed and defaults put in. */

/** Attempts of an entry that says `retry` and not how many. */
const defaultAttempts = 3;
const defaultInitialIntervalMs = 1_000;
const defaultMaxIntervalMs = 60_000;
const defaultMultiplier = 2;
/** Every kind that uses the user's budget; the infrastructure's failures are retried in any case. */
const defaultRetriedKinds = ['crash', 'timeout', 'out-of-memory'] as const;

const defaultConcurrency = 1_000;

/** One attempt; the rest says how the infrastructure's failures are backed off. */
export const noRetry: RetryPlan = {
  maxAttempts: 1,
  initialIntervalMs: defaultInitialIntervalMs,
  maxIntervalMs: defaultMaxIntervalMs,
  multiplier: defaultMultiplier,
  on: new Set<string>(defaultRetriedKinds),
};

export function readRetry(retry: Retry | undefined, place: Place, faults: Faults): RetryPlan {
  if (retry === undefined) return noRetry;
  const initialIntervalMs =
    readDuration(retry.initial_interval, at(place, 'initial_interval'), faults, 0) ?? defaultInitialIntervalMs;
  const longest = readDuration(retry.max_interval, at(place, 'max_interval'), faults, 0);
  if (longest !== null && longest < initialIntervalMs) {
    faults.add(
      at(place, 'max_interval'),
      `expected at least initial_interval (${initialIntervalMs} ms), found ${longest} ms`,
    );
  }
  return {
    maxAttempts: retry.max_attempts ?? defaultAttempts,
    initialIntervalMs,
    maxIntervalMs: longest ?? Math.max(defaultMaxIntervalMs, initialIntervalMs),
    multiplier: retry.multiplier ?? defaultMultiplier,
    on: new Set<string>(retry.on ?? defaultRetriedKinds),
    ...readMemoryGrowth(retry, place, faults),
  };
}

function readMemoryGrowth(
  { memory_factor, memory_max }: Retry,
  place: Place,
  faults: Faults,
): Pick<RetryPlan, 'memory'> {
  if (memory_factor === undefined && memory_max === undefined) return {};
  const maxBytes = memory_max === undefined ? null : (parseSizeBytes(memory_max) ?? null);
  if (memory_max !== undefined && maxBytes === null) faults.add(at(place, 'memory_max'), 'is larger than any memory');
  return { memory: { factor: memory_factor ?? defaultMemoryGrowth.factor, maxBytes } };
}

/** Null when there is none, or when it is wrong, which has been told. */
export function readDuration(
  value: number | string | undefined,
  place: Place,
  faults: Faults,
  leastMs = 1,
): number | null {
  if (value === undefined) return null;
  const ms = parseDurationMs(value);
  if (ms === undefined) faults.add(place, 'expected at most ten years');
  else if (ms < leastMs) faults.add(place, 'expected more than 0');
  else return ms;
  return null;
}

/** Of an attempt: what the entry says, or the time among its resources. */
export function readTimeout(
  timeout: number | string | undefined,
  { time_ms }: Resources,
  place: Place,
  faults: Faults,
): number | null {
  return readDuration(timeout, place, faults) ?? time_ms ?? null;
}

/** What the entry says goes before what its action declares. */
export function readResources(
  own: EntryResources | undefined,
  declared: Resources,
  place: Place,
  faults: Faults,
): Resources {
  if (own === undefined) return declared;
  const memoryBytes = own.memory === undefined ? undefined : parseSizeBytes(own.memory);
  if (own.memory !== undefined && memoryBytes === undefined) {
    faults.add(at(place, 'memory'), 'is larger than any memory');
  }
  const timeMs = readDuration(own.time, at(place, 'time'), faults);
  return {
    ...declared,
    ...(own.cpu === undefined ? {} : { cpu: own.cpu }),
    ...(memoryBytes === undefined ? {} : { memory_bytes: memoryBytes }),
    ...(own.gpu === undefined ? {} : { gpu: own.gpu }),
    ...(timeMs === null ? {} : { time_ms: timeMs }),
  };
}

/** Under `on_failure: continue` a collection succeeds whatever becomes of its elements, unless it says otherwise. */
export function readForEach(forEach: ForEach, onFailure: 'fail' | 'continue'): Omit<ForEachPlan, 'in'> {
  const settings = hasSettings(forEach) ? forEach : undefined;
  return {
    concurrency: settings?.concurrency ?? defaultConcurrency,
    minSuccess: settings?.min_success ?? (onFailure === 'continue' ? 0 : 1),
  };
}

/** `{ in: … }`, not the list or its expression alone. */
export function hasSettings(forEach: ForEach): forEach is Exclude<ForEach, string | readonly unknown[]> {
  return typeof forEach === 'object' && !Array.isArray(forEach);
}
