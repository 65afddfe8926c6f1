import type { Answer, Report } from '@ryax/contracts';
import { backoffMs, reconnectBackoff, wait, type Log } from '@ryax/platform';
import type { Cycle } from './cycle';
import type { Dispatch } from './dispatch';
import type { Inbox, InboxItem } from './inbox';
import { isLogUnreachable } from './log-unreachable';
import type { RunnerMetrics } from './runner-metrics';
import { receive, type WorkItem } from './work-item';

interface Submitted {
  readonly items: readonly WorkItem[];
  readonly done: () => void;
}

export interface DecisionLoopParts {
  readonly inbox: Inbox;
  readonly cycle: Cycle;
  readonly dispatch: Dispatch;
  readonly metrics: RunnerMetrics;
  readonly log: Log;
  /** Who holds what, and answers: they concern no stream's state. */
  readonly heard: (streamId: string, said: Answer | Report) => void;
}

/**
 * The runner's one loop: takes what waits in the inbox and what the runner itself has to say, and decides it in one cycle.
 * All decisions of a process are made here, one cycle after the other; throughput comes from the size of the batch.
 */
export class DecisionLoop {
  private readonly submitted: Submitted[] = [];
  private arrived: (() => void) | undefined;
  private isHandOutDue = false;
  private hasEnded = false;

  constructor(private readonly parts: DecisionLoopParts) {
    parts.inbox.onArrival(() => this.wake());
  }

  /** Decides items of the runner's own; resolves when they have been decided and appended. */
  submit(items: readonly WorkItem[]): Promise<void> {
    if (items.length === 0 || this.hasEnded) return Promise.resolve();
    return new Promise((done) => {
      this.submitted.push({ items, done });
      this.wake();
    });
  }

  /** Room may have appeared without a message of a run: executors came, a window grew, a share changed. */
  lookForRoom(): void {
    this.isHandOutDue = true;
    this.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const stopped = () => this.wake();
    signal.addEventListener('abort', stopped);
    while (!signal.aborted) {
      const own = this.submitted.splice(0);
      const items = [...own.flatMap((each) => each.items), ...this.fromInbox(this.parts.inbox.take())];
      this.parts.metrics.inboxDepth.set(this.parts.inbox.depth + items.length);
      if (items.length === 0 && !this.isHandOutDue) {
        await this.arrival(signal);
        continue;
      }
      this.isHandOutDue = false;
      const progressed = await this.decide(items, signal);
      for (const { done } of own) done();
      if (progressed && this.parts.dispatch.hasRoom) this.isHandOutDue = true;
    }
    signal.removeEventListener('abort', stopped);
    // Nobody decides it any more, and nobody shall wait for it for ever.
    this.hasEnded = true;
    for (const { done } of this.submitted.splice(0)) done();
  }

  private fromInbox(taken: readonly InboxItem[]): WorkItem[] {
    const items: WorkItem[] = [];
    for (const { delivery } of taken) {
      const received = receive(delivery);
      if (received.type === 'work') {
        items.push(received.item);
        const { streamId, report } = received.item;
        if (report !== undefined) this.parts.heard(streamId, report);
      } else if (received.type === 'answer') {
        this.parts.heard(received.streamId, received.said);
        delivery.ack();
      } else {
        delivery.park(received.reason);
      }
    }
    return items;
  }

  /**
   * The log being out of reach is not the messages' fault: the same ones are decided again until it is back. Anything
   * else is narrowed down by halves until it stands alone, and is given back.
   */
  private async decide(items: readonly WorkItem[], signal: AbortSignal): Promise<boolean> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await this.parts.cycle.run(items);
      } catch (error) {
        if (!isLogUnreachable(error)) return await this.narrow(items, error, signal);
        this.parts.log.warn('The event log could not be reached; the same messages are decided again', {
          messages: items.length,
          error,
        });
        await wait(backoffMs(attempt, reconnectBackoff), signal).catch(() => undefined);
      }
    }
    return false;
  }

  private async narrow(items: readonly WorkItem[], error: unknown, signal: AbortSignal): Promise<boolean> {
    if (items.length > 1) {
      const middle = Math.ceil(items.length / 2);
      const first = await this.decide(items.slice(0, middle), signal);
      return (await this.decide(items.slice(middle), signal)) || first;
    }
    const [item] = items;
    const reason = error instanceof Error ? error.message : String(error);
    this.parts.log.error('A message could not be decided', {
      stream: item?.streamId,
      message_type: item?.cause.type,
      error,
    });
    item?.delivery?.retry(reason);
    return false;
  }

  private wake(): void {
    this.arrived?.();
  }

  private arrival(signal: AbortSignal): Promise<void> {
    if (this.submitted.length > 0 || this.parts.inbox.depth > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.arrived = () => {
        this.arrived = undefined;
        resolve();
      };
    });
  }
}
