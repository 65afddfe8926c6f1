import { z } from 'zod';
import { ioDeclarationSchema, type JsonObject, type JsonValue, type Outcome } from '@ryax/contracts';
import type { Launch, LogSink } from '../launcher';
import { AttemptFailure } from '../process/attempt-failure';
import { collectOutputs, type OutputTargets, type PathsOfAttempt } from '../process/outputs';
import { outputsFile } from './pod-inputs';

/** What Kubernetes keeps of a termination message. */
const mostMessageBytes = 4_096;

/** What a command may return that declares no files are values: its files are gone with its container. */
const noPaths: PathsOfAttempt = {
  resolve: (path) =>
    Promise.reject(
      AttemptFailure.invalid(
        `The output names the path ${path}, but none is declared as a file or directory: the pod has no place for them`,
      ),
    ),
  fromHost: (path) => path,
};

/**
 * The outputs that a command has left as its termination message, checked against what is declared.
 * Rejects with an AttemptFailure that names the output.
 */
export async function podOutputs(
  targets: OutputTargets,
  attempt: { readonly launch: Launch; readonly sink: LogSink },
  declared: readonly JsonValue[],
  terminationMessage: string,
): Promise<Outcome> {
  const declarations = z.array(ioDeclarationSchema).parse(declared);
  const outputs = readMessage(terminationMessage);
  return collectOutputs(targets, noPaths, attempt, declarations, { outputs, workingDirectory: '/' });
}

function readMessage(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const parsed = z.record(z.string(), z.custom<JsonValue>()).safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Cut off, most likely, which its length tells.
  }
  if (Buffer.byteLength(text) >= mostMessageBytes) {
    throw AttemptFailure.invalid(
      `The outputs in $RYAX_OUTPUTS (${outputsFile}) take more than ${mostMessageBytes} bytes, of which Kubernetes keeps no more`,
    );
  }
  throw AttemptFailure.invalid('Expected a JSON object in $RYAX_OUTPUTS, found something else');
}
