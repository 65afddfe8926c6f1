import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Failure, JsonObject, Outcome, SecretReference } from '@ryax/contracts';
import { backoffMs, LinkedSignal, unlessAborted, wait, type Clock, type Log } from '@ryax/platform';
import type { Launch, LogSink } from '../../launcher';
import type { ActionCache } from '../../process/action-cache';
import type { ActionMetadata } from '../../process/action-metadata';
import { note } from '../../process/attempt';
import { AttemptFailure, outcomeOf } from '../../process/attempt-failure';
import { AttemptOutput } from '../../process/attempt-output';
import { InputPreparation, type InputSources } from '../../process/inputs';
import { collectOutputs } from '../../process/outputs';
import { imageOfAction } from '../action-image';
import { letGo, sinkUntil } from '../letting-go';
import { actionPodFor, tokenIn } from '../pod-spec';
import { ranForMs } from '../pod-step';
import type { PodEnd, PodTask } from '../pod-task';
import type { NodePool, SiteConfig } from '../site-config';
import { patientTargets, untilDone, type Patience } from '../until-done';
import { ActionServer, ActionServerRefusal, type ServerLine, type ServerLines } from './action-server';
import { patientServer } from './patient-server';
import { PodFiles } from './pod-files';
import { ServerPatience } from './server-patience';

export interface HandlerTaskParts {
  readonly sources: InputSources;
  readonly actions: ActionCache;
  /** For files on their way. */
  readonly directory: string;
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaving: AbortSignal;
}

/** Of what a successor knows whose pod has begun without it. */
export interface Begun {
  readonly secrets: readonly SecretReference[];
}

/** A pod that serves one attempt after another: what the server in it has to know of this one. */
export interface Seat {
  readonly token: string;
  /** What a successor needs to know, and is told by the server. */
  readonly origin: object;
  /** Who alone may begin attempts there. */
  readonly owner: string;
  readonly mayBegin: () => boolean;
  /** The server has taken the attempt. */
  readonly onTaken: () => void;
}

export type HandlerLaunch = Launch & { readonly action: Extract<Launch['action'], { type: 'handler' }> };

const retry = { initialMs: 50, maxMs: 2_000 };
/** For the result, and the log before it, of what has ended while nobody was there. */
const hearingMs = 10_000;
/** A server that was reached before and now is not, for something new: elsewhere it begins sooner than that one comes back. */
const seatPatienceMs = 10_000;

/** A handler in an action image: the server in its pod is called, streams the log, and answers with the outputs. */
export class HandlerTask implements PodTask {
  result: Outcome | undefined;
  isWorkOver = false;
  private readonly over = new AbortController();
  private readonly left = new AbortController();
  private readonly sink: LogSink;
  private readonly either: LinkedSignal;
  /** Nobody wants what it has returned any more. */
  private readonly unwanted = new AbortController();
  private readonly unwantedOrLeaving: LinkedSignal;
  private called: Promise<void> = Promise.resolve();
  private isCalled = false;
  /** Whether the server may have the attempt and has not said its end. */
  private isOpen = false;
  /** Whoever has it may call the pod. */
  private token = randomBytes(24).toString('hex');

  /**
   * @param begun where another executor has created the pod, and perhaps called it
   * @param seat where the pod was not made for this attempt
   */
  constructor(
    private readonly parts: HandlerTaskParts,
    private readonly launch: HandlerLaunch,
    sink: LogSink,
    private readonly begun: Begun | undefined,
    private readonly onResult: () => void,
    private readonly seat?: Seat,
  ) {
    this.isOpen = begun !== undefined;
    this.sink = sinkUntil(this.left.signal, sink);
    this.either = new LinkedSignal(this.over.signal, parts.leaving);
    this.unwantedOrLeaving = new LinkedSignal(this.unwanted.signal, parts.leaving);
  }

  pod(): Promise<V1Pod> {
    const { site, pool } = this.parts;
    const image = imageOfAction(site, this.launch.action.content_hash);
    return Promise.resolve(actionPodFor(this.launch, { image, token: this.token }, pool, site));
  }

  /** The token is the pod's, and not that which we would have given it. */
  created(pod: V1Pod): void {
    this.token = this.seat?.token ?? tokenIn(pod) ?? this.token;
  }

  runs(pod: V1Pod): void {
    const address = pod.status?.podIP;
    if (address === undefined || address === '' || this.isCalled) return;
    this.isCalled = true;
    this.called = this.call(address, this.wasReached(pod)).then(
      (outcome) => this.came(outcome),
      (error: unknown) => this.failed(error),
    );
  }

  /** The pod of a handler goes on when that has ended. */
  get hearingMs(): number {
    return this.begun === undefined ? 0 : hearingMs;
  }

  /** Whether the server is known to be done with the attempt, so that it could take another one. */
  get isDone(): boolean {
    return this.result !== undefined && !this.isOpen;
  }

  /** The server never ends by itself: its end is the attempt's, if nothing was heard of it before. */
  async outcomeAt({ final, stopped }: PodEnd): Promise<Outcome> {
    this.over.abort(new Error('its pod has ended'));
    const wanted = new LinkedSignal(stopped, this.parts.leaving);
    // What it has returned may be here already, and on its way to the filestore.
    await unlessAborted(this.called, wanted.signal).catch(() => this.drop());
    wanted.unlink();
    if (this.result !== undefined) return this.result;
    return { status: 'failed', failure: final.status === 'failed' ? final.failure : serverEnded };
  }

  async leave(): Promise<void> {
    this.over.abort(new Error('it is left'));
    await this.drop();
    this.left.abort();
    this.either.unlink();
    this.unwantedOrLeaving.unlink();
  }

  private drop(): Promise<void> {
    this.unwanted.abort(new Error('it is not wanted any more'));
    return letGo(this.called);
  }

  /** Aborted when its pod has ended, or we leave. */
  private get signal(): AbortSignal {
    return this.either.signal;
  }

  private came(outcome: Outcome): void {
    this.result = outcome;
    this.onResult();
  }

  /** Cut off by what has become of the pod, or of us: that decides. */
  private failed(error: unknown): void {
    if (!this.signal.aborted) this.came(outcomeOf(error));
  }

  /** By another executor, as far as can be known: no executor asks longer than that a server which it has never reached. */
  private wasReached(pod: V1Pod): boolean {
    if (this.begun === undefined) return false;
    const { clock, site } = this.parts;
    return this.seat !== undefined || ranForMs(pod, clock.wallMs()) >= site.patienceMs.starting;
  }

  private async call(address: string, wasReached: boolean): Promise<Outcome> {
    const { sources, actions, directory, site } = this.parts;
    const metadata = await this.read(() => actions.metadataOf(this.launch.action.content_hash));
    const server = new ActionServer(address, this.token, this.launch, site.patienceMs.unreachable);
    const patience = this.patienceWith(wasReached);
    const { clock, signal, patienceMs } = this.patience;
    const again = patientServer(server, { before: patience, afterMs: patienceMs, clock, signal });
    const files = new PodFiles(again, sources.files, directory, signal);
    try {
      return await this.callWith(server, patience, files, metadata);
    } finally {
      await files.close();
    }
  }

  private patienceWith(wasReached: boolean): ServerPatience {
    const { site, clock } = this.parts;
    const { patienceMs } = site;
    const starting = this.seat === undefined ? patienceMs.starting : Math.min(patienceMs.starting, seatPatienceMs);
    return new ServerPatience({ ...patienceMs, starting }, clock, wasReached);
  }

  private async callWith(
    server: ActionServer,
    patience: ServerPatience,
    files: PodFiles,
    metadata: ActionMetadata,
  ): Promise<Outcome> {
    const inputs =
      this.begun === undefined
        ? await new InputPreparation(this.parts.sources, files).forHandler(metadata.inputs, this.launch.inputs)
        : undefined;
    const secrets = inputs?.secrets ?? (await this.read(() => this.secretsOf(this.begun?.secrets ?? [])));
    const output = new AttemptOutput(this.sink, secrets);
    const end = await this.untilResult(server, patience, inputs?.values, output);
    output.flush();
    const outcome = await this.outcomeOf(end, files, metadata).catch(outcomeOf);
    return output.masked(outcome);
  }

  private async outcomeOf(end: ServerEnd, files: PodFiles, metadata: ActionMetadata): Promise<Outcome> {
    if ('failure' in end) {
      const { kind, message, code, details } = end.failure;
      const failure: Failure = { kind, message, ...(code !== undefined && { code }), ...(details && { details }) };
      return { status: 'failed', failure };
    }
    const { launch } = this;
    // What is here already is stored, whatever has become of the pod.
    const { signal } = this.unwantedOrLeaving;
    const sink = sinkUntil(signal, this.sink);
    const returned = { outputs: end.outputs, workingDirectory: end.cwd };
    const targets = patientTargets(this.parts.sources, { ...this.patience, signal });
    return collectOutputs(targets, files, { launch, sink }, metadata.outputs, returned);
  }

  /** Asks again, and attaches, however often the connection breaks: the pod's end cuts it off, or the end of all patience. */
  private async untilResult(
    server: ActionServer,
    patience: ServerPatience,
    inputs: JsonObject | undefined,
    output: AttemptOutput,
  ): Promise<ServerEnd> {
    let offset = this.begun === undefined ? undefined : 0;
    for (let tries = 0; ; tries++) {
      try {
        const lines = await (offset === undefined
          ? this.beginAt(server, inputs)
          : server.invoke(undefined, offset, this.signal));
        // It has taken it: from now on it is only attached to.
        if (offset === undefined) this.seat?.onTaken();
        offset ??= 0;
        patience.took();
        let hasSaid = false;
        for await (const line of lines) {
          tries = 0;
          hasSaid = true;
          patience.answered();
          if (isEnd(line)) {
            this.isOpen = false;
            this.isWorkOver = true;
            return line;
          }
          if (!('log' in line)) continue;
          offset = line.offset;
          if (!output.stdout.write(Buffer.from(line.log))) await output.stdout.drained();
        }
        if (!hasSaid) patience.failed(new Error('Its answer broke off'));
      } catch (error) {
        if (error instanceof AttemptFailure) throw error;
        if (error instanceof ActionServerRefusal && error.status < 500) throw this.refused(error);
        this.signal.throwIfAborted();
        this.parts.log.debug('The server of an action was not reached', { error });
        patience.failed(error);
      }
      await wait(backoffMs(tries, retry), this.signal);
    }
  }

  private beginAt(server: ActionServer, inputs: JsonObject | undefined): Promise<ServerLines> {
    const { seat } = this;
    if (seat !== undefined && !seat.mayBegin()) throw new AttemptFailure(notBegun);
    this.isOpen = true;
    const said = seat && { origin: seat.origin, owner: seat.owner };
    return server.invoke(inputs, undefined, this.signal, said);
  }

  private refused({ status, reason }: ActionServerRefusal): AttemptFailure {
    const message = `The action's server refused: ${reason}`;
    if (this.seat !== undefined && (status === 409 || status === 410)) {
      return new AttemptFailure({ kind: 'lost', message });
    }
    // It has not begun, and nothing but this attempt is wrong.
    if (status !== 410) {
      this.isOpen = false;
      return new AttemptFailure({ kind: 'invalid', message });
    }
    note(this.sink, 'The executor that began this attempt was gone before its pod was called');
    return new AttemptFailure({ kind: 'lost', message: 'Its executor was gone before its pod was called' });
  }

  /** What has not begun is made again elsewhere. */
  private read<T>(read: () => Promise<T>): Promise<T> {
    return this.begun === undefined ? read() : untilDone(read, this.patience);
  }

  private get patience(): Patience {
    const { clock, site } = this.parts;
    return { clock, signal: this.signal, patienceMs: site.patienceMs.unreachable };
  }

  private async secretsOf(references: readonly SecretReference[]): Promise<readonly string[]> {
    return Promise.all(references.map((reference) => this.parts.sources.secrets.read(reference)));
  }
}

type ServerEnd = Extract<ServerLine, { outputs: unknown } | { failure: unknown }>;

function isEnd(line: ServerLine): line is ServerEnd {
  return 'outputs' in line || 'failure' in line;
}

const notBegun: Failure = {
  kind: 'lost',
  message: 'Its executor had lost contact with the runners before its pod was called',
};
const serverEnded: Failure = { kind: 'lost', message: "The action's server ended before the handler had" };
