import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Failure, Outcome } from '@ryax/contracts';
import { LinkedSignal, unlessAborted, type Clock } from '@ryax/platform';
import type { LogSink } from '../launcher';
import { note } from '../process/attempt';
import { outcomeOf } from '../process/attempt-failure';
import { AttemptOutput } from '../process/attempt-output';
import type { InputSources } from '../process/inputs';
import type { PodApi } from './cluster/pod-api';
import { PodLog, type PodLogOptions } from './cluster/pod-log';
import { CommandFiles, isPastInputs } from './command/command-files';
import { planCommand, type CommandPlan } from './command/command-plan';
import { filesImageOf, filesTokenIn, hasFiles, statusOfInputs } from './command/files-containers';
import { createSecret, secretFor } from './command/secret-creation';
import { letGo, sinkUntil, withLastMoments } from './letting-go';
import { podName } from './pod-name';
import { podOutputs } from './pod-outputs';
import { podFor, type ContainerLaunch } from './pod-spec';
import { hasBegun } from './pod-status';
import type { PodEnd, PodTask } from './pod-task';
import type { NodePool, SiteConfig } from './site-config';
import { patientTargets, untilDone, type Patience } from './until-done';

export interface CommandTaskParts {
  readonly api: PodApi;
  readonly sources: InputSources;
  /** For files on their way. */
  readonly directory: string;
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly clock: Clock;
  readonly reading?: PodLogOptions | undefined;
  /** The pod as it was heard of last. */
  readonly look: (name: string) => V1Pod | undefined;
  /** Aborted when this executor leaves. */
  readonly leaving: AbortSignal;
}

/** What is known once the inputs were looked at. */
interface Opened {
  readonly plan: CommandPlan;
  readonly output: AttemptOutput;
  readonly log: PodLog;
}

/**
 * A command in an image: its exit decides, its log is the container's, its outputs are the termination message. Where files come in or
 * out, servers of ours in its pod have them, and its outputs.
 */
export class CommandTask implements PodTask {
  readonly hearingMs = 0;
  private readonly over = new AbortController();
  private readonly left = new AbortController();
  private readonly sink: LogSink;
  private readonly either: LinkedSignal;
  private opening: Promise<Opened> | undefined;
  private following: Promise<void> | undefined;
  private log: PodLog | undefined;
  /** Its inputs could not be looked at. */
  private unreadable: Outcome | undefined;
  /** What its pod needs before the command begins could not be brought. */
  private unprovided: Outcome | undefined;
  private token = randomBytes(24).toString('hex');
  private hasFiles = false;
  /** What is on its way to its pod, and from there. */
  private readonly works: Promise<unknown>[] = [];
  private secretCreated: Promise<void> = Promise.resolve();
  private bringing: AbortController | undefined;
  /** When its command must have begun; it has all the time in the world while its inputs are brought. */
  startsByMs: number | undefined;

  constructor(
    private readonly parts: CommandTaskParts,
    private readonly launch: ContainerLaunch,
    sink: LogSink,
    private readonly onChange: () => void,
  ) {
    this.sink = sinkUntil(this.left.signal, sink);
    this.either = new LinkedSignal(this.over.signal, parts.leaving);
  }

  /** What could not be brought concerns a command that has not begun: of one that has, or whose pod is gone, the pod tells. */
  get result(): Outcome | undefined {
    const pod = this.parts.look(podName(this.launch));
    const isWaitedFor = pod !== undefined && !hasBegun(pod);
    return this.unreadable ?? (isWaitedFor ? this.unprovided : undefined);
  }

  async pod(): Promise<V1Pod> {
    const { pool, site } = this.parts;
    const { carried, needsFiles, tooLong } = (await this.opened()).plan;
    const sink = sinkUntil(this.either.signal, this.sink);
    for (const name of tooLong) note(sink, `The input ${name} is too long for a variable; it is in $RYAX_INPUTS`);
    const server = needsFiles === undefined ? undefined : { image: filesImageOf(site, needsFiles), token: this.token };
    return podFor(this.launch, pool, site, carried, server);
  }

  /** Whoever has created it, it is the same, but for its token. */
  created(pod: V1Pod): void {
    this.hasFiles = hasFiles(pod);
    this.token = filesTokenIn(pod) ?? this.token;
    this.secretCreated = this.createSecretOf(pod);
    this.provide(this.secretCreated);
  }

  waits(pod: V1Pod): void {
    if (!this.hasFiles) return;
    if (isPastInputs(pod)) return this.bringing?.abort(new Error('its inputs are there'));
    const address = pod.status?.podIP;
    if (this.bringing !== undefined || statusOfInputs(pod)?.state?.running === undefined || !address) return;
    this.bringing = new AbortController();
    this.provide(this.bringInputs(address, this.bringing.signal));
  }

  runs(): void {
    this.bringing?.abort(new Error('its command runs'));
    this.following ??= this.openedAtLast(this.either.signal).then(
      ({ log }) => {
        if (!this.either.signal.aborted) log.follow();
      },
      (error: unknown) => this.failed((outcome) => (this.unreadable = outcome), error),
    );
  }

  outcomeAt(end: PodEnd): Promise<Outcome> {
    // Of a pod that is gone no successor can tell.
    return withLastMoments(this.parts.leaving, end.isGone, (left) => {
      const wanted = new LinkedSignal(end.stopped, left);
      return this.outcomeOf(end, wanted.signal).finally(() => wanted.unlink());
    });
  }

  private async outcomeOf({ final, hasRun, isGone }: PodEnd, wanted: AbortSignal): Promise<Outcome> {
    const { log, output, plan } = await unlessAborted(this.openedAtLast(wanted), wanted);
    if (isGone()) await log.lastWords();
    else if (hasRun) await this.finishLog(log, isGone);
    output.flush();
    if (final.status === 'failed')
      return output.masked({ status: 'failed', failure: told(final.failure, output, plan) });
    const attempt = { launch: this.launch, sink: sinkUntil(wanted, this.sink) };
    const targets = patientTargets(this.parts.sources, this.patience(wanted));
    const collected = this.hasFiles
      ? this.files.fetch(plan.outputs, attempt.sink, wanted)
      : podOutputs(targets, attempt, this.launch.action.outputs, final.terminationMessage);
    this.works.push(collected);
    return output.masked(await unlessAborted(collected, wanted).catch(outcomeOf));
  }

  /** What it has read may wait for a broker that is away: a successor reads it all, unless the pod is gone by then. */
  private async finishLog(log: PodLog, isGone: () => boolean): Promise<void> {
    const { leaving } = this.parts;
    try {
      await unlessAborted(log.finish(leaving), leaving);
    } catch (error) {
      if (!isGone()) throw error;
    }
  }

  /** Nothing is brought any more. What the filestore holds up cleans up after itself when it comes to its end. */
  async leave(): Promise<void> {
    this.over.abort(new Error('it is left'));
    await letGo(Promise.allSettled([this.opening, ...this.works]));
    // What it has read may wait for a broker that is away.
    if (this.log !== undefined) await letGo(this.log.leave());
    this.left.abort();
    this.either.unlink();
  }

  /** Of a command whose pod is there. */
  private openedAtLast(signal: AbortSignal): Promise<Opened> {
    return untilDone(() => this.opened(), this.patience(signal));
  }

  private patience(signal: AbortSignal): Patience {
    const { clock, site } = this.parts;
    return { clock, signal, patienceMs: site.patienceMs.unreachable };
  }

  private opened(): Promise<Opened> {
    return (this.opening ??= this.open());
  }

  /** A failure is told to all who wait for it now; the next one tries again. */
  private async open(): Promise<Opened> {
    const { sources, api, reading } = this.parts;
    const plan = await planCommand(this.launch, sources).catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    const output = new AttemptOutput(this.sink, plan.secrets);
    this.log = new PodLog(api, podName(this.launch), output.stdout, reading);
    return { plan, output, log: this.log };
  }

  private async createSecretOf(pod: V1Pod): Promise<void> {
    const { secret } = (await this.openedAtLast(this.either.signal)).plan;
    if (secret === undefined) return;
    await createSecret(secretFor(pod, secret), this.parts.api, this.either.signal);
  }

  private async bringInputs(address: string, signal: AbortSignal): Promise<void> {
    const either = new LinkedSignal(signal, this.either.signal);
    try {
      // Its command would be refused without. Until it is there, the site's patience counts.
      await this.secretCreated;
      this.startsByMs = Infinity;
      await this.files.bring(address, this.launch.inputs, either.signal);
      this.startsByMs = this.parts.clock.monotonicMs() + this.parts.site.patienceMs.starting;
      this.onChange();
    } catch (error) {
      // They are there, or will not be: its pod tells.
      if (!signal.aborted) throw error;
    } finally {
      either.unlink();
    }
  }

  private get files(): CommandFiles {
    const { sources, directory, site, clock, look } = this.parts;
    const name = podName(this.launch);
    const parts = { sources, directory, patience: site.patienceMs, clock, look: () => look(name) };
    return new CommandFiles(parts, this.launch, this.token);
  }

  /** Failing is the attempt's end: without it the command can never begin. */
  private provide(work: Promise<void>): void {
    this.works.push(work.catch((error: unknown) => this.failed((outcome) => (this.unprovided ??= outcome), error)));
  }

  private failed(as: (outcome: Outcome) => void, error: unknown): void {
    if (this.either.signal.aborted) return;
    as(outcomeOf(error));
    this.onChange();
  }
}

/** With its last words, which its pod's status must not have where there are passwords. */
function told(failure: Failure, output: AttemptOutput, { secret }: CommandPlan): Failure {
  if (failure.kind !== 'crash' || secret === undefined) return failure;
  return { ...failure, message: `${failure.message}${output.lastWords}` };
}
