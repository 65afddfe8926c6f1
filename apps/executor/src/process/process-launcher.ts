import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { limits } from '@ryax/contracts';
import type { FileStore, Secrets } from '@ryax/filestore';
import { packageRoot, Turns, type Clock, type Log } from '@ryax/platform';
import type { AttemptEnd, Launch, Launcher, LogSink, RunningAttempt } from '../launcher';
import { ActionCache } from './action-cache';
import { AttemptControl, outcomeOfStop } from './attempt-control';
import { outcomeOf } from './attempt-failure';
import { CommandRunner } from './command-runner';
import type { Environment } from './environment';
import { HandlerRunner } from './handler-runner';
import { findIsolation, hiddenByTmp, type Isolation, type IsolationLevel } from './isolation';
import { Rooms } from './rooms';
import { Scratch } from './scratch';
import { ValueCache } from './value-cache';

export interface ProcessLauncherOptions {
  /** Where it keeps what runs. Not shared with other machines or containers; nothing in it outlives the process. */
  readonly directory: string;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly log: Log;
  readonly clock: Clock;
  /** What of the executor's environment is passed on to actions: PATH, HOME, proxies; never its own configuration. */
  readonly env?: Environment;
  /** `RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS` in milliseconds: how long a worker waits for its next call. */
  readonly idleMs?: number;
  /** So many workers wait at most, of all actions together: no fewer than run at once, or some of them are started for each wave. */
  readonly mostIdle?: number;
  /** `RYAX_LIMIT_INLINE_VALUE_BYTES`: outputs above it go through the filestore. */
  readonly inlineValueBytes?: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  readonly python?: string;
  /** The folder with `python3/` and `nodejs/`. */
  readonly runtimes?: string;
  /** Found out when it is not given. */
  readonly isolation?: Isolation;
}

const noEnvironment: Environment = {};
const defaults = {
  inlineValueBytes: limits.inlineValueBytes,
  idleMs: 30_000,
  mostIdle: 16,
  graceMs: 5_000,
  python: 'python3',
  env: noEnvironment,
};
/** Actions kept unpacked, and text of large values kept parsed. */
const mostActions = 64;
const mostValueBytes = 64 * 1024 * 1024;
/** So long may readers of logs keep attempts from ending at the close; their processes are gone already. */
const logsMs = 5_000;

const runtimesOfThisPackage = join(packageRoot(__dirname), 'runtimes');

/** It ends with us: nothing of it is ever left to others. */
export interface RunningProcess extends RunningAttempt {
  readonly ended: Promise<AttemptEnd>;
}

/** Runs actions as processes of this machine: handlers in warm workers, commands one by one. */
export class ProcessLauncher implements Launcher {
  private readonly running = new Map<AttemptControl, Promise<AttemptEnd>>();
  private readonly turns = new Turns(1);
  private isClosing = false;

  private constructor(
    private readonly handlers: HandlerRunner,
    private readonly commands: CommandRunner,
    private readonly rooms: Rooms,
    private readonly scratch: Scratch,
    /** How well executions are kept apart here. */
    readonly isolation: IsolationLevel,
  ) {}

  /** Ends what a predecessor has left running, and finds out what the system allows. */
  static async open(options: ProcessLauncherOptions): Promise<ProcessLauncher> {
    const { directory, files, secrets, log, clock, env, inlineValueBytes, idleMs, mostIdle, graceMs, python } = {
      ...defaults,
      ...options,
    };
    const runtimes = realpathSync(options.runtimes ?? runtimesOfThisPackage);
    const scratch = await Scratch.open(directory);
    const isolation = options.isolation ?? (await findIsolation(scratch.directory));
    logIsolation(log, isolation.level);

    const visible = hiddenByTmp([scratch.directory, runtimes, ...interpreterFolders(env)]);
    const rooms = new Rooms({ scratch, isolation, visible, graceMs });
    const actions = new ActionCache(files, scratch.actions, mostActions);
    const sources = { files, secrets, values: new ValueCache(files, mostValueBytes), inlineValueBytes };
    const shared = { sources, rooms, env, monotonicMs: () => clock.monotonicMs() };
    const interpreters = { python, node: process.execPath, runtimes };
    const handlers = new HandlerRunner({ ...shared, ...interpreters, actions, idleMs, mostIdle });
    return new ProcessLauncher(handlers, new CommandRunner(shared), rooms, scratch, isolation.level);
  }

  launch(launch: Launch, sink: LogSink): RunningProcess {
    const control = new AttemptControl();
    const ended = this.run(launch, sink, control).finally(() => this.running.delete(control));
    this.running.set(control, ended);
    return {
      ended,
      cancel: (force) => control.stop({ type: 'cancelled' }, force ? 'kill' : 'terminate'),
    };
  }

  async close(): Promise<void> {
    this.isClosing = true;
    for (const control of this.running.keys()) control.stop({ type: 'closing' }, 'kill');
    await Promise.race([Promise.all(this.running.values()), setTimeout(logsMs, undefined, { ref: false })]);
    this.handlers.close();
    await this.rooms.emptied();
    await this.scratch.remove();
  }

  private async run(launch: Launch, sink: LogSink, control: AttemptControl): Promise<AttemptEnd> {
    if (this.isClosing) control.stop({ type: 'closing' }, 'kill');
    const begin = () => this.begin(launch, sink, control);
    try {
      return await (this.isolation === 'shared' ? this.turns.take(begin) : begin());
    } catch (error) {
      return { outcome: outcomeOf(error), durationMs: 0 };
    }
  }

  private async begin(launch: Launch, sink: LogSink, control: AttemptControl): Promise<AttemptEnd> {
    if (control.stopped !== undefined) return { outcome: outcomeOfStop(control.stopped), durationMs: 0 };
    const attempt = { launch, sink, control };
    switch (launch.action.type) {
      case 'handler':
        return this.handlers.run(launch.action.content_hash, attempt);
      case 'container':
        return this.commands.run(launch.action, attempt);
      default:
        return launch.action satisfies never;
    }
  }
}

/** Where Node and what is found by PATH are installed: `bin` and whatever belongs to it lie in one folder. */
function interpreterFolders({ PATH = '' }: Environment): readonly string[] {
  const executables = [dirname(realpathSync(process.execPath)), ...PATH.split(delimiter)];
  return executables.filter((folder) => existsSync(folder)).map((folder) => dirname(realpathSync(folder)));
}

function logIsolation(log: Log, level: IsolationLevel): void {
  switch (level) {
    case 'private':
      return log.info('Executions were given a private /tmp and process namespace', { isolation: level });
    case 'private-tmp':
      return log.warn(
        'Executions were given a private /tmp, but what leaves its process group can outlive its attempt',
        {
          isolation: level,
        },
      );
    case 'shared':
      return log.warn('Executions share /tmp, so only one runs at a time: unshare and mount are not allowed here', {
        isolation: level,
      });
    default:
      return level satisfies never;
  }
}
