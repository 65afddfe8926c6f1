import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ioDeclarationSchema, type ActionToRun } from '@ryax/contracts';
import type { AttemptEnd } from '../launcher';
import { crash, decidedBy, note, type Attempt } from './attempt';
import { outcomeOfStop } from './attempt-control';
import { AttemptFailure, outcomeOf } from './attempt-failure';
import { AttemptOutput } from './attempt-output';
import { readOutputsFile } from './command-outputs';
import { actionEnvironment, attemptVariables, inputVariables, type Environment } from './environment';
import { InputPreparation, RoomPlace, type InputSources, type PreparedInputs } from './inputs';
import { collectOutputs } from './outputs';
import { describeExit, ProcessGroup, type Exit } from './process-group';
import type { Room } from './room';
import type { Rooms } from './rooms';

type Container = Extract<ActionToRun, { type: 'container' }>;

export interface CommandRunnerOptions {
  readonly sources: InputSources;
  readonly rooms: Rooms;
  readonly env: Environment;
  readonly monotonicMs: () => number;
}

/**
 * Runs the command of a container on this machine, in a folder of its own:
 *
 * - each input is an environment variable of its name (text as it is, files as paths, everything else as JSON), and all
 *   of them stand as one JSON object in the file `$RYAX_INPUTS`;
 * - its outputs are the JSON object that it leaves in the file `$RYAX_OUTPUTS`, if it leaves one.
 */
export class CommandRunner {
  constructor(private readonly options: CommandRunnerOptions) {}

  async run(container: Container, attempt: Attempt): Promise<AttemptEnd> {
    const { rooms } = this.options;
    const room = await rooms.open();
    try {
      return await this.runIn(room, container, attempt);
    } finally {
      rooms.close(room, Promise.resolve());
    }
  }

  private async runIn(room: Room, container: Container, attempt: Attempt): Promise<AttemptEnd> {
    const { sources, monotonicMs } = this.options;
    const { launch, sink, control } = attempt;
    const isSpoilt = container.command.some((part) => part.includes('\0'));
    if (isSpoilt) throw AttemptFailure.invalid('The command holds a zero byte');
    await mkdir(room.work);
    const inputs = await new InputPreparation(sources, new RoomPlace(sources.files, room)).forCommand(launch.inputs);
    note(sink, `The image ${container.image} is ignored: this executor runs commands on its own machine`);
    const env = await this.environment(room, container, attempt, inputs);

    // While its inputs were put there. It need not be begun to be ended.
    if (control.stopped !== undefined) return { outcome: outcomeOfStop(control.stopped), durationMs: 0 };
    const startedAt = monotonicMs();
    const output = new AttemptOutput(sink, inputs.secrets);
    const group = await this.start(room, container.command, env);
    const ended = logged(group, output);
    // Stopped while it was being started: what there is of it goes, and what it was to do is not awaited.
    const exit = (await control.supervise(group, launch, () => ended)) ?? (await killed(group));
    const durationMs = monotonicMs() - startedAt;
    const outcome = await decidedBy(control, async () => {
      if (exit.status === 'not-started') throw crash(`The command ${describeExit(exit)}`);
      if (exit.code !== 0) throw crash(`The command ${describeExit(exit)}${output.lastWords}`, exit.code);
      const declared = z.array(ioDeclarationSchema).parse(container.outputs);
      const returned = { outputs: await readOutputsFile(outputsFile(room)), workingDirectory: room.work };
      return collectOutputs(sources, room, attempt, declared, returned);
    }).catch(outcomeOf);
    return { outcome: output.masked(outcome), durationMs };
  }

  private start(room: Room, command: readonly string[], env: Environment): Promise<ProcessGroup> {
    const spec = { command, env, workingDirectory: room.work, descriptors: 'output-only' as const };
    return ProcessGroup.start(spec, this.options.rooms.contextOf(room));
  }

  private async environment(
    room: Room,
    container: Container,
    { launch, sink }: Attempt,
    inputs: PreparedInputs,
  ): Promise<Environment> {
    const inputsFile = join(room.directory, 'inputs.json');
    await writeFile(inputsFile, JSON.stringify(inputs.values), { mode: 0o600 });
    const { variables, tooLong } = inputVariables(inputs.values);
    for (const name of tooLong) note(sink, `The input ${name} is too long for a variable; it is in $RYAX_INPUTS`);
    const ours = { RYAX_INPUTS: inputsFile, RYAX_OUTPUTS: outputsFile(room) };
    return {
      ...actionEnvironment(this.options.env, room),
      ...variables,
      ...container.env,
      ...attemptVariables(launch),
      ...ours,
    };
  }
}

/** Resolves when the command has ended and all its output is in the log. */
async function logged(group: ProcessGroup, output: AttemptOutput): Promise<Exit> {
  const [out, err] = group.outputs;
  const [exit] = await Promise.all([group.exited, out.read(null, output.stdout), err.read(null, output.stderr)]);
  output.flush();
  return exit;
}

function killed(group: ProcessGroup): Promise<Exit> {
  group.kill();
  return group.exited;
}

function outputsFile(room: Room): string {
  return join(room.directory, 'outputs.json');
}
