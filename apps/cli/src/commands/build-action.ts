import { readActionFolder, type ActionFolder } from '../build/action-folder';
import { findBuilder, runBuilder, type BuilderName } from '../build/builder';
import { withImageContext } from '../build/image-context';
import type { Context } from '../context';
import { WrongUseError } from '../errors';

export interface BuildActionOptions {
  readonly tag?: string;
  readonly push?: true;
  readonly builder?: BuilderName;
  readonly buildArg: readonly string[];
  /** Where the builder is looked for, as PATH has it. */
  readonly builderPath?: string;
}

/** Builds the image of an action folder, and prints its name: alone on stdout, for scripts. */
export async function buildAction(
  { terminal, interrupted }: Pick<Context, 'terminal' | 'interrupted'>,
  folder: string,
  options: BuildActionOptions,
): Promise<void> {
  const action = await readActionFolder(folder);
  if (options.push === true && options.tag === undefined)
    throw new WrongUseError('Expected --tag with --push: it names the registry that the image is pushed to');
  const image = options.tag ?? imageOf(action);
  const builder = await findBuilder(options.builderPath ?? '', options.builder);
  const run = { onLine: terminal.note, interrupted };
  await withImageContext(action, (context) =>
    runBuilder(builder, buildArguments(action, image, options, context), run),
  );
  if (options.push === true) await runBuilder(builder, ['push', image], run);
  terminal.write(`${image}\n`);
}

function buildArguments(
  { pythonVersion, runtime }: ActionFolder,
  image: string,
  { buildArg }: BuildActionOptions,
  context: string,
): readonly string[] {
  const ofAction =
    runtime === 'python3' && pythonVersion !== undefined ? [`BASE_IMAGE=python:${pythonVersion}-slim`] : [];
  // Of two with one name the later wins.
  const args = [...ofAction, ...buildArg].flatMap((each) => ['--build-arg', each]);
  return ['build', '--tag', image, '--file', `${context}/Dockerfile`, ...args, context];
}

/** Ids and versions hold more than names and tags of images may. */
function imageOf({ id, version }: ActionFolder): string {
  const name = id.replaceAll(/[.-]{2,}/g, '-').replaceAll(/^[.-]+|[.-]+$/g, '');
  const tag = version.replaceAll(/[^\w.-]/g, '-').replace(/^[.-]/, '_');
  return `ryax-action/${name === '' ? 'unnamed' : name}:${tag}`;
}
