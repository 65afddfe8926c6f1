/** More failing messages than this at once are an outage, not poison. */
const maxRemembered = 1_000;

/** Failed tries of messages that come again over the next channel, by the message's id. */
export class RememberedTries {
  private readonly tries = new Map<string, number>();

  remember(id: string, tries: number): void {
    if (tries === 0) return;
    this.tries.set(id, tries);
    const [oldest] = this.tries.keys();
    if (this.tries.size > maxRemembered && oldest !== undefined) this.tries.delete(oldest);
  }

  /** It has come again: 0 when it has not failed. */
  take(id: string): number {
    const tries = this.tries.get(id) ?? 0;
    this.tries.delete(id);
    return tries;
  }
}
