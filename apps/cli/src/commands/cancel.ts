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
  const { state } = await engine.cancel(runId, reason, force);
  terminal.write(`Run ${runId} is ${state}\n`);
}
