import { poolKindSchema, poolSchema } from '@ryax/contracts';
import type { Members } from '@ryax/event-log';
import { offeredPools, type OfferedPool } from '@ryax/workflow';
import { z } from 'zod';

/** An executor that has been silent for longer offers nothing. */
const liveWithinMs = 10_000;
/** Beats come each second: asking more often gives no more. */
const keptMs = 1_000;

const poolsSchema = z.array(poolSchema);
const kindsSchema = z.array(poolKindSchema);

/** The pools of executors that live, as runners have written down from their beats. */
export class LivePools {
  private last: { readonly at: number; readonly pools: Promise<readonly OfferedPool[]> } | undefined;

  constructor(private readonly members: Pick<Members, 'live'>) {}

  read(): Promise<readonly OfferedPool[]> {
    const now = performance.now();
    if (this.last === undefined || now - this.last.at >= keptMs) this.last = { at: now, pools: this.ask() };
    return this.last.pools;
  }

  private async ask(): Promise<readonly OfferedPool[]> {
    const executors = (await this.members.live(liveWithinMs)).filter(({ kind }) => kind === 'executor');
    return offeredPools(
      executors.map(({ site, pools, poolKinds }) => ({
        site,
        // What a newer version may have written in another way is left out: it is a hint for people.
        pools: poolsSchema.safeParse(JSON.parse(pools)).data ?? [],
        kinds: kindsSchema.safeParse(JSON.parse(poolKinds)).data ?? [],
      })),
    );
  }
}
