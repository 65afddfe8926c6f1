import { Command, InvalidArgumentError, Option } from 'commander';
import { builderNames } from './build/builder';
import { listActions, publishAction } from './commands/actions';
import { buildAction, type BuildActionOptions } from './commands/build-action';
import { cancel, type CancelOptions } from './commands/cancel';
import { dropDeadLetters, listDeadLetters, replayDeadLetters, showDeadLetter } from './commands/dead-letters';
import type { DeadLettersOptions } from './commands/dead-letters';
import { deploy, validate } from './commands/definitions';
import { history, type HistoryOptions } from './commands/history';
import { logs, type LogsOptions } from './commands/logs';
import { rebuild, type RebuildOptions } from './commands/rebuild';
import { results, type ResultsOptions } from './commands/results';
import { run, type RunCommandOptions } from './commands/run';
import { runs, type RunsOptions } from './commands/runs';
import { show, type ShowOptions } from './commands/show';
import type { Context } from './context';
import type { EngineOptions } from './engine/engine-client';
import { WrongUseError } from './errors';
import { exitStatus, type ExitStatus } from './exit-status';
import { watchRun } from './watch/watch-run';

export interface ProgramParts {
  readonly connect: (options: EngineOptions) => Context;
  /** Told what the command has come to. */
  readonly onEnd: (status: ExitStatus) => void;
}

/** The command line. What a command does is in `commands/`; here is only how it is called. */
export function createProgram({ connect, onEnd }: ProgramParts): Command {
  const program = new Command('ryax')
    .description('Deploy workflows, run them, and see what became of them.')
    .addOption(new Option('--url <url>', 'the engine').env('RYAX_URL').default('http://127.0.0.1:8000'))
    .addOption(new Option('--token <token>', 'what the engine knows you by').env('RYAX_TOKEN'))
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', exitHelp);

  /** Connects a command's action to the engine, and its outcome to the exit status. */
  const with_ =
    <Arguments extends readonly unknown[]>(
      act: (context: Context, ...given: Arguments) => Promise<ExitStatus | void>,
    ) =>
    async (...given: [...Arguments, Command]): Promise<void> => {
      const { url, token } = program.opts<{ url: string; token?: string }>();
      if (!URL.canParse(url))
        throw new WrongUseError(`Expected a URL such as http://127.0.0.1:8000 in --url or RYAX_URL, found "${url}"`);
      const context = connect({ url, token: token === '' ? undefined : token });
      onEnd((await act(context, ...(given.slice(0, -1) as unknown as Arguments))) ?? exitStatus.ok);
    };

  program
    .command('validate <definition>')
    .description('check a definition (a file, or a folder with workflow.yaml) and show all that is wrong with it')
    .action(with_((context, path: string) => validate(context, path)));
  program
    .command('deploy <definition>')
    .description('deploy a definition, with the action folders and files that it names')
    .action(with_((context, path: string) => deploy(context, path)));
  program
    .command('run <definition-or-workflow>')
    .description('run a definition, or a workflow that is deployed')
    .option('-i, --input <name=value>', 'an input of the trigger; name=@path uploads a file or folder', collect, [])
    .option('-l, --label <name=value>', 'a label to find the run by', collect, [])
    .option('-b, --batch <file>', 'start a run for each line, a JSON object of inputs; - reads them from stdin')
    .option('--key <key>', 'the same key gives the same run: a repeat starts nothing twice')
    .option('-w, --watch', 'show its progress until it has ended')
    .option('--json', 'print what was started as JSON')
    .action(with_((context, target: string, options: RunCommandOptions) => run(context, target, options)));
  program
    .command('watch <run>')
    .description('show the progress of a run until it has ended; Ctrl-C leaves it running')
    .action(with_((context, runId: string) => watchRun(context, runId)));
  program
    .command('runs')
    .description('list runs, newest first')
    .option('--workflow <id>', 'only of this workflow')
    .option('--state <state>', 'only in this state: running, cancelling, succeeded, failed, cancelled')
    .option('-l, --label <name=value>', 'only with this label', collect, [])
    .option('--limit <count>', 'how many', positive, 20)
    .option('--json', 'as JSON')
    .action(with_((context, options: RunsOptions) => runs(context, options)));
  program
    .command('show <run>')
    .description('a run: when each action was worked on, what waits and why, what failed')
    .option('--version <version>', 'as of this version of its history', positive)
    .option('--json', 'as JSON')
    .action(with_((context, runId: string, options: ShowOptions) => show(context, runId, options)));
  program
    .command('history <run>')
    .description('every event of a run')
    .option('--json', 'as JSON, with what caused each event')
    .action(with_((context, runId: string, options: HistoryOptions) => history(context, runId, options)));
  program
    .command('logs <run> [execution]')
    .description('what the executions of a run have written; an execution is an action, or an element such as fit.3')
    .option('-f, --follow', 'go on as it is written')
    .option('--attempt <number>', 'of this attempt instead of the newest', positive)
    .action(
      with_((context, runId: string, execution: string | undefined, options: LogsOptions) =>
        logs(context, runId, execution, options),
      ),
    );
  program
    .command('results <run>')
    .description('the results of a run')
    .option('-d, --download <folder>', 'download their files and directories')
    .option('--json', 'as JSON')
    .action(with_((context, runId: string, options: ResultsOptions) => results(context, runId, options)));
  program
    .command('cancel <run>')
    .description('cancel a run; what it has in finally still runs')
    .option('--force', 'also end what runs in finally')
    .option('--reason <text>', 'kept in the history')
    .action(with_((context, runId: string, options: CancelOptions) => cancel(context, runId, options)));

  const catalogue = program.command('actions').alias('action').description('the catalogue of published actions');
  catalogue
    .command('list')
    .description('list it')
    .option('--json', 'as JSON')
    .action(with_((context, options: { json?: boolean }) => listActions(context, options)));
  catalogue
    .command('publish <folder>')
    .description('publish an action folder under its id@version')
    .action(with_((context, folder: string) => publishAction(context, folder)));
  catalogue
    .command('build <folder>')
    .description('build the image in which a cluster runs an action, with docker, podman or buildah; prints its name')
    .option('-t, --tag <image>', 'its name, instead of ryax-action/<id>:<version>')
    .option('--repository <name>', "the actionImages of a site: its name is then this and its content's hash")
    .option('--push', 'push it to the registry that its name says')
    .addOption(new Option('--builder <name>', 'instead of the first that is found').choices(builderNames))
    .option('--build-arg <name=value>', 'for the Dockerfile, see docs/action-images.md', collect, [])
    .addOption(new Option('--builder-path <folders>', 'where the builder is looked for').env('PATH').hideHelp())
    .action(with_((context, folder: string, options: BuildActionOptions) => buildAction(context, folder, options)));

  const deadLetters = program.command('dead-letters').description('messages that the engine could not handle');
  deadLetters
    .command('list')
    .description('list them, newest first, each with its error')
    .option('--limit <count>', 'how many', positive, 20)
    .option('--json', 'as JSON')
    .action(with_((context, options: DeadLettersOptions) => listDeadLetters(context, options)));
  deadLetters
    .command('show <letter>')
    .description('one of them, with its headers and its body')
    .option('--json', 'as JSON')
    .action(with_((context, id: string, options: { json?: boolean }) => showDeadLetter(context, id, options)));
  deadLetters
    .command('replay <letter...>')
    .description('publish them again as they came, to where they were published')
    .action(with_((context, ids: readonly string[]) => replayDeadLetters(context, ids)));
  deadLetters
    .command('drop <letter...>')
    .description('drop them for good')
    .action(with_((context, ids: readonly string[]) => dropDeadLetters(context, ids)));

  const admin = program.command('admin').description('what concerns the engine as a whole');
  admin
    .command('rebuild')
    .description('build the read models anew from the whole log, while those that are there go on serving')
    .option('--no-wait', 'only begin it')
    .action(with_((context, options: RebuildOptions) => rebuild(context, options)));
  return program;
}

const exitHelp = `
Exit status: 0 done, and a watched run has succeeded; 1 the run failed or was cancelled, or an image could not be
built; 2 wrong use or a wrong definition; 3 the engine cannot be reached; 130 left by Ctrl-C, the run goes on.`;

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0.');
  return Number(text);
}
