import type { Context } from '../context';

export interface CancelOptions {
  readonly force?: boolean;
  readonly reason?: string;
}

export async function cancel(
  { engine, terminal }: Context,
  runId: string,
  { force = false, reason }: CancelOptions,
): Promise<void> {
  await engine.cancel(runId, reason, force);
  terminal.write(`Cancelling ${runId}${force ? ', finally included' : ''}\n`);
}
