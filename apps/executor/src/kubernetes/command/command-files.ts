import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { IoDeclaration, JsonObject, Outcome } from '@ryax/contracts';
import type { Clock } from '@ryax/platform';
import type { LogSink } from '../../launcher';
import { AttemptFailure } from '../../process/attempt-failure';
import { checkOutputsSize, readOutputsFile } from '../../process/command-outputs';
import { InputPreparation, type InputPlace, type InputSources } from '../../process/inputs';
import { collectOutputs } from '../../process/outputs';
import { ActionServer, ActionServerRefusal } from '../action/action-server';
import { PodFiles } from '../action/pod-files';
import { untilReached } from '../action/reach';
import { inputsFileName } from '../pod-inputs';
import type { ContainerLaunch } from '../pod-spec';
import type { SiteConfig } from '../site-config';
import { patientTargets } from '../until-done';
import { filesPort, outputsContainer, statusOfInputs, statusOfOutputs } from './files-containers';

export interface CommandFilesParts {
  readonly sources: InputSources;
  /** For files on their way. */
  readonly directory: string;
  readonly patience: SiteConfig['patienceMs'];
  readonly clock: Clock;
  /** The pod as it was heard of last; undefined when it is gone. */
  readonly look: () => V1Pod | undefined;
}

/** Brings the files of one command into its pod and out of it, by way of the servers that stand beside it there. */
export class CommandFiles {
  constructor(
    private readonly parts: CommandFilesParts,
    private readonly launch: ContainerLaunch,
    private readonly token: string,
  ) {}

  /** All inputs, and then the command may begin. Another executor may have done it before, or does it now: it comes to the same. */
  async bring(address: string, given: JsonObject, signal: AbortSignal): Promise<void> {
    try {
      await this.bringAll(address, given, signal);
    } catch (error) {
      const hasBegun = error instanceof ActionServerRefusal && error.status === 410;
      if (!hasBegun) throw error;
    }
  }

  private async bringAll(address: string, given: JsonObject, signal: AbortSignal): Promise<void> {
    const { sources, patience } = this.parts;
    const reached = this.reaching(signal, () => undefined);
    const server = this.serverAt(address);
    // Nothing is read from the filestore before it is known to be of use.
    await reached(() => server.outputs(signal), patience.starting);
    await this.with(server, reached, signal, async (files, folder) => {
      const place: InputPlace = { ownFile: (path) => path, put: (file, name) => files.put(file, name) };
      const { values } = await new InputPreparation(sources, place).forCommand(given);
      const all = join(folder, inputsFileName);
      await writeFile(all, JSON.stringify(values), { mode: 0o600 });
      await reached((gotOn) => server.put(inputsFileName, all, signal, gotOn));
      await reached(() => server.end(signal));
    });
  }

  /** What the command has left, its files stored. Rejects with an AttemptFailure. */
  async fetch(declared: readonly IoDeclaration[], sink: LogSink, signal: AbortSignal): Promise<Outcome> {
    const { sources, look, clock, patience } = this.parts;
    const { launch } = this;
    const targets = patientTargets(sources, { clock, signal, patienceMs: patience.unreachable });
    const address = look()?.status?.podIP ?? '';
    if (address === '') throw lost(whyGone(look()) ?? 'The pod has no address at which its outputs could be fetched');
    const reached = this.reaching(signal, () => whyGone(look()));
    const server = this.serverAt(address);
    return this.with(server, reached, signal, async (files, folder) => {
      const { path, bytes, cwd } = await reached(() => server.outputs(signal));
      const local = join(folder, 'outputs.json');
      if (bytes !== null) {
        checkOutputsSize(bytes);
        await reached((gotOn) => server.get(path, local, signal, gotOn));
      }
      const outputs = await readOutputsFile(local);
      return collectOutputs(targets, files, { launch, sink }, declared, { outputs, workingDirectory: cwd });
    });
  }

  private serverAt(address: string): ActionServer {
    return new ActionServer(address, this.token, this.launch, this.parts.patience.unreachable, filesPort);
  }

  private reaching(signal: AbortSignal, gone: () => string | undefined): Reaching {
    const { clock, patience } = this.parts;
    return (act, patienceMs = patience.unreachable) =>
      untilReached(act, { server: filesServer, clock, signal, gone }, patienceMs);
  }

  private async with<T>(
    server: ActionServer,
    reached: Reaching,
    signal: AbortSignal,
    act: (files: PodFiles, folder: string) => Promise<T>,
  ): Promise<T> {
    const { sources, directory } = this.parts;
    const again: Pick<ActionServer, 'put' | 'get'> = {
      put: (name, file, signal) => reached((gotOn) => server.put(name, file, signal, gotOn)),
      get: (path, target, signal) => reached((gotOn) => server.get(path, target, signal, gotOn)),
    };
    const files = new PodFiles(again, sources.files, directory, signal);
    const folder = await mkdtemp(join(directory, 'command-'));
    try {
      return await act(files, folder);
    } finally {
      await files.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

const filesServer = {
  name: "The server of the pod's files",
  advice: "Check that the executor can reach pods, and that the site's filesImage is that of the file server",
};

type Reaching = <T>(act: (gotOn: () => void) => Promise<T>, patienceMs?: number) => Promise<T>;

/** Whether the inputs are known to be there, or never will be. */
export function isPastInputs(pod: V1Pod): boolean {
  return statusOfInputs(pod)?.state?.terminated !== undefined;
}

function whyGone(pod: V1Pod | undefined): string | undefined {
  if (pod === undefined) return 'The pod was deleted before its outputs were fetched';
  const state = statusOfOutputs(pod)?.state;
  if (state?.terminated !== undefined) {
    const { reason = '', exitCode } = state.terminated;
    const how = `${reason} (status ${exitCode})`.trim();
    const what = `The container ${outputsContainer}, which had the outputs of the command, has ended: ${how}`;
    return `${what}. If that happens again, look at the site's filesImage and the memory of its nodes`;
  }
  return undefined;
}

function lost(message: string): AttemptFailure {
  return new AttemptFailure({ kind: 'lost', message });
}
