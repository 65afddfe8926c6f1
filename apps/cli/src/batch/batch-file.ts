import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { limits, type Fault, type JsonObject, type JsonValue } from '@ryax/contracts';
import type { Context } from '../context';
import type { BatchRun } from '../engine/engine';
import { codeOf, messageOf } from '../error-facts';
import { WrongUseError } from '../errors';
import { isObject } from '../upload/json';

/** A run to be started, and the line that it was written on. */
export interface BatchLine {
  /** Counted from 1, as an editor counts. */
  readonly number: number;
  readonly run: BatchRun;
  /** Of the run as it is sent. */
  readonly bytes: number;
}

/** What stands around the runs of one call: `{"runs":[…]}`. */
const frameBytes = 16;
export const bytesPerCall = limits.bodyBytes - frameBytes;

/** A file that is no batch at all has as many faults as lines. */
const shownFaults = 20;

/**
 * Reads JSON lines, the inputs of one run each; empty lines are passed over. A run's key is made of the batch's and its
 * line, so that the same file under the same key starts nothing twice, whatever calls it is sent in.
 *
 * @throws WrongUseError with each bad line, so that nothing is sent when one is
 */
export async function readBatch(
  context: Context,
  path: string,
  { labels, key }: Pick<BatchRun, 'labels'> & { readonly key: string },
): Promise<BatchLine[]> {
  const lines: BatchLine[] = [];
  const faults: Fault[] = [];
  for (const [index, line] of (await contentOf(context, path)).split('\n').entries()) {
    if (line.trim() === '') continue;
    const number = index + 1;
    const inputs = inputsOf(line);
    const run = { inputs: typeof inputs === 'string' ? {} : inputs, labels, idempotency_key: `${key}:${number}` };
    const bytes = Buffer.byteLength(JSON.stringify(run)) + 1;
    if (typeof inputs === 'string') faults.push({ path: `line ${number}`, reason: inputs });
    else if (bytes > bytesPerCall) faults.push({ path: `line ${number}`, reason: tooLarge(bytes) });
    else lines.push({ number, run, bytes });
  }
  const shown = path === '-' ? 'The standard input' : path;
  if (faults.length > 0) throw new WrongUseError(`${shown} cannot be used; nothing was started`, mostOf(faults));
  if (lines.length === 0) throw new WrongUseError(`${shown} has no lines: expected the inputs of one run on each`);
  return lines;
}

async function contentOf({ terminal }: Context, path: string): Promise<string> {
  try {
    const content = path === '-' ? await text(terminal.stdin()) : await readFile(path, 'utf8');
    return content.replace(/^\uFEFF/, '');
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new WrongUseError(`Cannot read the batch ${path}: ${messageOf(error)}`);
  }
}

/** The inputs, or what is wrong with the line. */
function inputsOf(line: string): JsonObject | string {
  try {
    const value = JSON.parse(line) as JsonValue;
    return isObject(value) ? value : `expected a JSON object, the inputs of a run, found ${clip(line.trim())}`;
  } catch (error) {
    return `expected JSON: ${messageOf(error)}`;
  }
}

function tooLarge(bytes: number): string {
  return `expected at most ${bytesPerCall} bytes with labels and key (bodyBytes), found ${bytes}`;
}

function mostOf(faults: readonly Fault[]): readonly Fault[] {
  const left = faults.length - shownFaults;
  if (left <= 0) return faults;
  return [...faults.slice(0, shownFaults), { path: '', reason: `… and ${left} more lines` }];
}

function clip(line: string): string {
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}
