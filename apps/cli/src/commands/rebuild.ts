import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from '../context';

const lookEveryMs = 500;

export interface RebuildOptions {
  /** Commander's name for what `--no-wait` turns off. */
  readonly wait: boolean;
}

/** Readers of the engine notice nothing of it; who waits is told how far it is. */
export async function rebuild({ engine, terminal, interrupted }: Context, options: RebuildOptions): Promise<void> {
  let told = -1;
  let progress = await engine.rebuildReadModels();
  while (options.wait && progress.rebuilding) {
    const { position, last_position: last } = progress;
    const percent = last === 0 ? 0 : Math.floor((100 * position) / last);
    if (percent !== told) terminal.note(`Rebuilding the read models: ${percent} % of ${last} positions`);
    told = percent;
    await wait(lookEveryMs, undefined, { signal: interrupted });
    progress = await engine.rebuildProgress();
  }
  terminal.write(progress.rebuilding ? 'The read models are being rebuilt\n' : 'The read models were rebuilt\n');
}
