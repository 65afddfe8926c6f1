import { ownerOf } from './partitions';

/** Which of the runners that live one is: each comes to the same by itself. */
export interface RunnerRank {
  /** From 0. */
  readonly index: number;
  /** All of them, at least 1. */
  readonly count: number;
}

/** An executor that a start could be sent to, as one runner knows it. */
export interface Candidate {
  readonly incarnation: string;
  /** Slots that it had free for all runners, as it last said; below 0 where more of ours waits there than it has. */
  readonly free: number;
  /** How many more of ours it has than when it said so; below 0 where some have ended. */
  readonly placed: number;
  /**
   * Whether it has given back what is to be placed: `still` where it has not said since that it has room for it. `once` also, for what
   * others have given back, where it never had it and says that it has no room for it.
   */
  readonly givenBack: 'never' | 'once' | 'still';
}

/** Whoever wants to have the worker or pod that is warm; `turn` counts on where there is none. */
export type Preference = { readonly handler: string } | { readonly turn: number };

/**
 * Whom a start is sent to. Runners see what is free as of the last beat and nothing of what others place meanwhile, so each goes by its
 * part: an equal share of what every executor has free, and of the slots that are left over some to each. As long as all do, no executor gets
 * more than it has while another has some left. Only who has used up its part takes what others might.
 *
 * Of those it is the one with the most left; of equal ones a handler has one of its own, the same for all runners. So with plenty of
 * room a handler is found where it is warm, whoever hands it out, and with little there may be as many such places as runners. Who has given it back
 * comes after all others that have something left, as what they say to be free does not tell why it was; who still has no room comes last of all.
 */
export function chooseExecutor(
  candidates: readonly Candidate[],
  rank: RunnerRank,
  preference: Preference,
): string | undefined {
  if (candidates.length < 2) return candidates[0]?.incarnation;
  const open = willingOf(candidates);
  const sharing = open.filter(({ free, placed }) => equalShare(free, rank) > placed);
  if (sharing.length > 0) return withMostLeft(sharing, preference);
  const parts = partsOf(candidates, rank);
  const entitled = open.filter(({ incarnation, placed }) => (parts.get(incarnation) ?? 0) > placed);
  return withMostLeft(entitled.length > 0 ? entitled : open, preference);
}

function willingOf(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ givenBack }) => givenBack === 'never')) return candidates;
  const untried = candidates.filter((each) => each.givenBack === 'never' && left(each) > 0);
  if (untried.length > 0) return untried;
  const willing = candidates.filter(({ givenBack }) => givenBack !== 'still');
  return willing.length > 0 ? willing : candidates;
}

/** Which of those alive is `own`; of one that is not among them, as if it lived alone. */
export function rankAmong(own: string, alive: readonly string[]): RunnerRank {
  const index = [...alive].sort().indexOf(own);
  return index === -1 ? { index: 0, count: 1 } : { index, count: alive.length };
}

/** Of what each executor has free, what is this runner's: those of all runners together are all of it. */
function partsOf(candidates: readonly Candidate[], rank: RunnerRank): ReadonlyMap<string, number> {
  const { index, count } = rank;
  const leftOver = ({ free }: Candidate) => Math.max(0, free) % count;
  const total = candidates.reduce((sum, each) => sum + leftOver(each), 0);
  const [from, to] = [Math.floor((index * total) / count), Math.floor(((index + 1) * total) / count)];
  const parts = new Map<string, number>();
  let before = 0;
  for (const each of [...candidates].sort(byIncarnation)) {
    const after = before + leftOver(each);
    parts.set(
      each.incarnation,
      equalShare(each.free, rank) + Math.max(0, Math.min(after, to) - Math.max(before, from)),
    );
    before = after;
  }
  return parts;
}

/** What is below 0 is ours alone. */
function equalShare(free: number, { count }: RunnerRank): number {
  return free <= 0 ? free : Math.floor(free / count);
}

function withMostLeft(candidates: readonly Candidate[], preference: Preference): string | undefined {
  const most = Math.max(...candidates.map(left));
  const equal = candidates.filter((each) => left(each) === most).map(({ incarnation }) => incarnation);
  if ('handler' in preference) return equal.length < 2 ? equal[0] : ownerOf(preference.handler, equal);
  return equal[preference.turn % equal.length];
}

function left({ free, placed }: Candidate): number {
  return free - placed;
}

function byIncarnation(one: Candidate, other: Candidate): number {
  return one.incarnation < other.incarnation ? -1 : 1;
}
