import type { ActionToRun, Resources } from '@ryax/contracts';

/** Versions of actions that are remembered, those that were used last. */
const mostActions = 10_000;

/**
 * How much memory was enough for actions that had run out of what they ask for, as this runner has seen it: so that their
 * next executions do not fail first. A hint and no more: it may differ between runners, and is gone with the process.
 */
export class SufficientMemory {
  /** In bytes, by version of an action; in order of last use. */
  private readonly known = new Map<string, number>();

  /** An execution of this action has succeeded with so much, after it had failed with less. */
  observed(action: ActionToRun, bytes: number): void {
    const version = versionOf(action);
    this.remember(version, Math.max(bytes, this.known.get(version) ?? 0));
  }

  /**
   * What an attempt asks for, and no less memory than is known to be enough.
   *
   * @param mostOfNode what a node has where it runs, in bytes: what was enough was seen in some pool, and that one was chosen by what is asked
   */
  resourcesFor(action: ActionToRun, asked: Resources, mostOfNode = () => Infinity): Resources {
    if (this.known.size === 0) return asked;
    const version = versionOf(action);
    const enough = this.known.get(version);
    if (enough === undefined) return asked;
    this.remember(version, enough);
    const memory_bytes = Math.min(enough, mostOfNode());
    return memory_bytes > (asked.memory_bytes ?? 0) ? { ...asked, memory_bytes } : asked;
  }

  private remember(version: string, bytes: number): void {
    this.known.delete(version);
    this.known.set(version, bytes);
    const [oldest] = this.known.keys();
    if (this.known.size > mostActions && oldest !== undefined) this.known.delete(oldest);
  }
}

/** What runs, whatever it is called: another content or command may well take more or less. */
function versionOf(action: ActionToRun): string {
  switch (action.type) {
    case 'builtin':
      return action.name;
    case 'handler':
      return action.content_hash;
    case 'container':
      return JSON.stringify([action.image, action.command]);
    default:
      return action satisfies never;
  }
}
