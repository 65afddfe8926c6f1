import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '@ryax/contracts';
import type { ActionCache } from './action-cache';
import type { AttemptEnd } from '../launcher';
import { crash, decidedBy, note, type Attempt } from './attempt';
import { AttemptFailure, outcomeOf, outputsTooLarge } from './attempt-failure';
import { AttemptOutput } from './attempt-output';
import { actionEnvironment, attemptVariables, type Environment } from './environment';
import { InputPreparation, RoomPlace, type InputSources } from './inputs';
import { collectOutputs } from './outputs';
import { describeExit } from './process-group';
import type { Room } from './room';
import type { Rooms } from './rooms';
import { Worker, type CallEnd } from './worker';
import { WorkerPool } from './worker-pool';
import type { WorkerAnswer } from './worker-protocol';

export interface HandlerRunnerOptions {
  readonly sources: InputSources;
  readonly actions: ActionCache;
  readonly rooms: Rooms;
  readonly env: Environment;
  /** Interpreters and the folder of the runtimes. */
  readonly python: string;
  readonly node: string;
  readonly runtimes: string;
  readonly idleMs: number;
  readonly mostIdle: number;
  readonly monotonicMs: () => number;
}

/** Runs handlers of actions in warm workers, one call at a time in each. */
export class HandlerRunner {
  private readonly pool: WorkerPool;

  constructor(private readonly options: HandlerRunnerOptions) {
    const { idleMs, mostIdle } = options;
    this.pool = new WorkerPool({ idleMs, mostIdle, retire: (worker) => this.retire(worker) });
  }

  /** Rejects with an AttemptFailure, or with what went wrong on our side. */
  async run(contentHash: string, attempt: Attempt): Promise<AttemptEnd> {
    for (;;) {
      const worker = this.pool.take(contentHash) ?? (await this.startWorker(contentHash));
      const end = await this.runOn(worker, attempt).finally(() => this.giveBack(contentHash, worker));
      if (end !== 'not-begun') return end;
    }
  }

  /** Ends the workers that wait; their rooms are closed when they are gone. */
  close(): void {
    this.pool.clear();
  }

  private async runOn(worker: Worker, attempt: Attempt): Promise<AttemptEnd | 'not-begun'> {
    const { launch, sink, control } = attempt;
    const { inputs: declared } = worker.metadata;
    const { sources } = this.options;
    const place = new RoomPlace(sources.files, worker.room);
    const inputs = await new InputPreparation(sources, place).forHandler(declared, launch.inputs);
    const output = new AttemptOutput(sink, inputs.secrets);

    const startedAt = this.options.monotonicMs();
    const call = () => worker.call({ inputs: inputs.values, env: attemptVariables(launch) }, output);
    const end = await control.supervise(worker, launch, call);
    const durationMs = this.options.monotonicMs() - startedAt;
    output.flush();

    if (end?.type === 'not-begun' && control.stopped === undefined) return 'not-begun';
    const outcome = await decidedBy(control, () => this.judge(worker, attempt, end, output)).catch(outcomeOf);
    return { outcome: output.masked(outcome), durationMs };
  }

  private async judge(
    worker: Worker,
    attempt: Attempt,
    end: CallEnd | undefined,
    output: AttemptOutput,
  ): Promise<Outcome> {
    switch (end?.type) {
      case 'answered':
        return this.judgeAnswer(worker, attempt, end.answer);
      case 'exited': {
        const code = end.exit.status === 'exited' ? end.exit.code : undefined;
        throw crash(`The handler's process ${describeExit(end.exit)} during the call${output.lastWords}`, code);
      }
      case 'too-large':
        throw AttemptFailure.invalid(outputsTooLarge);
      case 'not-begun':
      case undefined:
        throw new Error('The call was stopped without a reason');
      default:
        return end satisfies never;
    }
  }

  private async judgeAnswer(worker: Worker, attempt: Attempt, answer: WorkerAnswer): Promise<Outcome> {
    switch (answer.type) {
      case 'returned':
        return collectOutputs(this.options.sources, worker.room, attempt, worker.metadata.outputs, answer);
      case 'refused': {
        const { message, output } = answer;
        throw AttemptFailure.invalid(message, output === undefined ? undefined : { output });
      }
      case 'raised': {
        const { kind, message, code, missing_module: missing } = answer.raised;
        if (missing !== undefined) noteMissing(attempt, worker, missing);
        throw new AttemptFailure({ kind, message, ...(code === undefined ? {} : { code }) });
      }
      default:
        return answer satisfies never;
    }
  }

  private async startWorker(contentHash: string): Promise<Worker> {
    const { actions, rooms, env } = this.options;
    const room = await rooms.open();
    try {
      const metadata = await actions.copyTo(contentHash, room.work);
      // Without a package.json of its own a handler is CommonJS, whatever folder of ours it comes to lie in.
      await writeFile(join(room.directory, 'package.json'), '{"type":"commonjs"}\n');
      const command = this.commandOf(metadata.runtime, room);
      const worker = await Worker.start(
        { command, env: actionEnvironment(env, room), metadata },
        rooms.contextOf(room),
      );
      void worker.exited.then(() => this.pool.forget(worker));
      return worker;
    } catch (error) {
      await room.remove();
      throw error;
    }
  }

  private commandOf(runtime: 'python3' | 'nodejs', room: Room): readonly string[] {
    const { python, node, runtimes } = this.options;
    if (runtime === 'nodejs') return [node, join(runtimes, 'nodejs', 'worker.cjs'), room.work];
    return [python, join(runtimes, 'python3', 'worker.py'), room.work];
  }

  /** Keeps a worker for its next call, with nothing left of this one; or lets go of it. */
  private async giveBack(contentHash: string, worker: Worker): Promise<void> {
    if (!worker.isUsable) return this.retire(worker);
    try {
      await worker.room.clean();
      this.pool.put(contentHash, worker);
    } catch {
      this.retire(worker);
    }
  }

  private retire(worker: Worker): void {
    worker.kill();
    this.options.rooms.close(worker.room, worker.exited);
  }
}

function noteMissing({ sink }: Attempt, { metadata }: Worker, module: string): void {
  const where = metadata.runtime === 'nodejs' ? 'packages.json' : 'requirements.txt';
  note(sink, `The module ${module} is missing: this executor does not install ${where}; install it where it runs`);
}
