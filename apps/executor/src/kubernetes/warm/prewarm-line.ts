import { keyOf, type WarmKind } from './warm-kind';

/** Of more than these the last are left out. */
const mostWaiting = 1_000;
/** So many pods are begun at a time, so that attempts do not wait behind hundreds of requests for what nobody has asked for. */
const takenAtOnce = 5;

/** What is to be made warm ahead, each once. */
export class PrewarmLine {
  private readonly kinds = new Map<string, WarmKind>();

  add(kinds: readonly WarmKind[]): void {
    for (const kind of kinds) if (this.kinds.size < mostWaiting) this.kinds.set(keyOf(kind), kind);
  }

  /** Whose turn it is; to be called twice a second. */
  take(): readonly WarmKind[] {
    const taken = [...this.kinds].slice(0, takenAtOnce);
    for (const [key] of taken) this.kinds.delete(key);
    return taken.map(([, kind]) => kind);
  }
}
