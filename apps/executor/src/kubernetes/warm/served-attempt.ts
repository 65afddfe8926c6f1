import { z } from 'zod';
import type { Launch } from '../../launcher';
import type { HandlerLaunch } from '../action/handler-task';
import { launchFrom, originIn } from '../launch-origin';
import { parseOrigin, type Origin } from '../ownership';
import type { ServedExecution } from './pod-server';
import type { WarmKind } from './warm-kind';

/**
 * What the server of a warm pod is told of an attempt, for whoever may go on with it. When it began, by the wall clock of who begins it, is
 * for servers that do not say how long it has run.
 */
export function saidOf(launch: Launch, wallMs: number): object {
  return { ...originIn(launch), began_ms: wallMs };
}

export interface ServedAttempt {
  readonly launch: HandlerLaunch;
  readonly origin: Origin;
  /** Until now, or until its end. */
  readonly ranMs: number;
}

const beganSchema = z.object({ began_ms: z.number() });

/** What a server tells of the attempt that another executor has begun there; undefined where that is not enough to go on with it. */
export function servedAttempt(
  { project, content_hash }: WarmKind,
  { attempt: { run_id, execution, attempt }, origin: said, ran_ms }: ServedExecution,
  wallMs: number,
): ServedAttempt | undefined {
  const origin = parseOrigin(said);
  const began = beganSchema.safeParse(said).data;
  if (origin === undefined || began === undefined) return undefined;
  const { action, ...launch } = launchFrom(undefined, { project, runId: run_id, execution, attempt }, origin);
  if (action.type !== 'handler') return undefined;
  const ranMs = ran_ms ?? Math.max(0, wallMs - began.began_ms);
  return { launch: { ...launch, action: { ...action, content_hash } }, origin, ranMs };
}
