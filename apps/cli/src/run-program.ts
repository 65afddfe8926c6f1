import { CommanderError, type Command } from 'commander';
import type { Terminal } from './context';
import { Engine } from './engine/engine';
import { EngineClient } from './engine/engine-client';
import { CliError } from './errors';
import { exitStatus, type ExitStatus } from './exit-status';
import { createProgram } from './program';

/** Runs one command line; answers its exit status. Never throws for what a user can cause. */
export async function runProgram(
  args: readonly string[],
  terminal: Terminal,
  interrupted: AbortSignal,
): Promise<ExitStatus> {
  let status: ExitStatus = exitStatus.ok;
  const program = createProgram({
    connect: (options) => ({ engine: new Engine(new EngineClient(options)), terminal, interrupted }),
    onEnd: (ended) => (status = ended),
  });
  prepare(program, terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.wrongUse;
    if (interrupted.aborted) return exitStatus.detached;
    if (!(error instanceof CliError)) throw error;
    for (const line of errorLines(error, terminal)) terminal.note(line);
    return error.exitStatus;
  }
}

/** What is wrong, each fault at its place, and what to do about it. */
export function errorLines({ message, details, advice }: CliError, { paint }: Pick<Terminal, 'paint'>): string[] {
  const faults = details.map(({ path, reason }) => `  ${path === '' ? '' : `${paint('bold', path)}: `}${reason}`);
  return [paint('red', message), ...faults, ...(advice === undefined ? [] : [advice])];
}

/** Its words go to our terminal, and its end is ours to decide; so for every command below it. */
function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride();
  command.configureOutput({ writeOut: terminal.write, writeErr: (text) => terminal.note(text.trimEnd()) });
  for (const inner of command.commands) prepare(inner, terminal);
}
