import type { Readable } from 'node:stream';
import { backoffMs, wait, LinkedSignal } from '@ryax/platform';
import type { LogSink } from '../../launcher';
import { note } from '../../process/attempt';
import { mainContainer } from '../pod-status';
import { isComplaint, LogPlace, parseLine } from './log-lines';
import { reasonOf, type PodApi, type Streamed } from './pod-api';

export interface PodLogOptions {
  /** A log that says nothing for so long is asked for anew: its connection may be dead. */
  readonly silenceMs: number;
  /** After the container's end its log can be read at once; where it cannot for so long, it is lost. */
  readonly endMs: number;
}

export const defaultLogOptions: PodLogOptions = { silenceMs: 300_000, endMs: 15_000 };

const retry = { initialMs: 200, maxMs: 10_000 };
const lastWordsMs = 1_000;
/** A line that was begun is passed on when it is longer: nobody has so much memory for a line without an end. */
const longestLine = 1024 * 1024;

/** How one answer was read. */
type Read = 'complete' | 'broken' | 'not-there';

/**
 * Brings the output of a pod's action into the log of its attempt: followed while it runs, and once more read to the end when the
 * pod's status says that it has ended. The end of a stream says nothing: it may have been cut, or its file rotated.
 */
export class PodLog {
  private readonly place = new LogPlace();
  private readonly following = new AbortController();
  private followed: Promise<void> = Promise.resolve();
  private isFollowing = false;

  constructor(
    private readonly api: PodApi,
    private readonly pod: string,
    private readonly sink: LogSink,
    private readonly options: PodLogOptions = defaultLogOptions,
  ) {}

  /** The container runs. Idempotent. */
  follow(): void {
    if (this.isFollowing) return;
    this.isFollowing = true;
    this.followed = this.followUntilStopped(this.following.signal).catch(() => undefined);
  }

  /** The pod is gone: what was on its way may still come. */
  async lastWords(): Promise<void> {
    await Promise.race([this.followed, wait(lastWordsMs)]);
  }

  /** Stops where it is; what was read is in the sink. */
  async leave(): Promise<void> {
    this.following.abort();
    await this.followed;
  }

  /** The container has ended: resolves when all that it wrote is in the sink, or cannot be had. Never rejects. */
  async finish(signal: AbortSignal): Promise<void> {
    await this.leave();
    const limit = AbortSignal.timeout(this.options.endMs);
    const either = new LinkedSignal(limit, signal);
    await this.readToEnd(limit, signal, either.signal).finally(() => either.unlink());
  }

  private async readToEnd(limit: AbortSignal, signal: AbortSignal, either: AbortSignal): Promise<void> {
    let reason = 'no answer';
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const streamed = await this.open(false, either);
        if (streamed.type === 'refused' && neverStarted(streamed)) return;
        if (streamed.type === 'refused' && isGone(streamed)) return this.saysLost(reasonOf(streamed.refused));
        if (streamed.type === 'refused') reason = reasonOf(streamed.refused);
        else if ((await this.read(streamed.body)) === 'complete') return;
        else reason = 'it could not be read to its end';
        await wait(backoffMs(attempt, retry), either);
      } catch {
        if (limit.aborted) return this.saysLost(reason);
      }
    }
  }

  private async followUntilStopped(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      const before = this.place.time;
      const streamed = await this.open(true, signal);
      if (streamed.type === 'refused' && isGone(streamed)) return;
      if (streamed.type === 'stream') {
        const stop = () => streamed.body.destroy();
        signal.addEventListener('abort', stop, { once: true });
        await this.read(streamed.body).finally(() => signal.removeEventListener('abort', stop));
      }
      if (this.place.time !== before) failures = 0;
      await wait(backoffMs(failures, retry), signal);
    }
  }

  private open(follow: boolean, signal: AbortSignal): Promise<Streamed> {
    this.place.reopen();
    const asked = { container: mainContainer, since: this.place.since, follow };
    return this.api.log(this.pod, asked, this.options.silenceMs, signal);
  }

  /** Takes in an answer line by line. Of one that breaks, the line that was cut is dropped: it comes again. */
  private async read(body: Readable): Promise<Read> {
    let rest = '';
    try {
      for await (const piece of body.setEncoding('utf8')) {
        const lines = (rest + String(piece)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (!(await this.take(`${line}\n`))) return 'not-there';
        }
        if (rest.length > longestLine) {
          await this.take(rest);
          rest = '';
        }
      }
    } catch {
      return 'broken';
    }
    if (rest === '') return 'complete';
    // Its last line has no end, and is none where more may come.
    if (this.following.signal.aborted) return (await this.take(rest)) ? 'complete' : 'not-there';
    return isComplaint(parseLine(rest)) ? 'not-there' : 'complete';
  }

  /** False where the node has put a complaint in the place of the log. */
  private async take(text: string): Promise<boolean> {
    const line = parseLine(text);
    if (isComplaint(line)) return false;
    if (this.place.pass(line) && !this.sink.write(Buffer.from(line.text))) await this.sink.drained();
    return true;
  }

  private saysLost(reason: string): void {
    note(this.sink, `The end of the output is missing: ${reason}`);
  }
}

/** It can never be had: the pod is gone. */
function isGone({ refused }: Extract<Streamed, { type: 'refused' }>): boolean {
  return refused.verdict === 'gone';
}

/** That a container which has ended waits to start is said of one that never could: there is no log. */
function neverStarted({ status }: Extract<Streamed, { type: 'refused' }>): boolean {
  return status === 400;
}
