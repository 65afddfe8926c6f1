import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { JsonValue } from '@ryax/contracts';
import { printJson, type Context } from '../context';
import type { Engine } from '../engine/engine';
import { exitStatus, type ExitStatus } from '../exit-status';
import { extractFolder } from '../upload/extract-folder';
import { at, isObject } from '../upload/json';

export interface ResultsOptions {
  readonly download?: string;
  readonly json?: boolean;
}

const ended: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** Prints a run's results; with --download its files are written beside each other into a folder. */
export async function results(
  context: Context,
  runId: string,
  { download, json }: ResultsOptions,
): Promise<ExitStatus> {
  const { engine, terminal } = context;
  const { state, results: found } = await engine.results(runId);
  if (state !== 'succeeded') {
    const why = ended.has(state) ? `The run is ${state}` : 'The run has not ended';
    terminal.note(`${why}: it has no results. See: ryax show ${runId}`);
    return exitStatus.runFailed;
  }
  const values: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(found)) values[name] = await loaded(engine, value);
  const shown = download === undefined ? values : await downloadAll(engine, values, download);
  if (json === true) printJson(context, shown);
  else for (const [name, value] of Object.entries(shown)) terminal.write(`${name}: ${textOf(value)}\n`);
  return exitStatus.ok;
}

/** A value too large to travel inline stands as a reference to its JSON, and to a place in it. */
async function loaded(engine: Engine, value: JsonValue): Promise<JsonValue> {
  const hash = at(value, '$value');
  if (typeof hash !== 'string') return value;
  const path = at(value, 'path');
  const whole = (await new Response(await engine.download(hash)).json()) as JsonValue;
  return (Array.isArray(path) ? path : []).reduce<JsonValue>((found, key) => {
    if (Array.isArray(found)) return found[Number(key)] ?? null;
    return typeof key === 'string' ? (at(found, key) ?? null) : null;
  }, whole);
}

interface FileValue {
  readonly hash: string;
  readonly name: string;
  readonly isFolder: boolean;
}

/** Replaces each file of the results by the path that it was downloaded to. Equal names of different results get a folder each. */
async function downloadAll(
  engine: Engine,
  values: Readonly<Record<string, JsonValue>>,
  folder: string,
): Promise<Record<string, JsonValue>> {
  const taken = new Set<string>();
  const write = async (value: JsonValue, place: string): Promise<JsonValue> => {
    const file = fileOf(value);
    if (file !== undefined) {
      const target = taken.has(file.name) ? join(folder, place, file.name) : join(folder, file.name);
      taken.add(file.name);
      await downloadTo(engine, file, target);
      return target;
    }
    if (Array.isArray(value)) return mapInOrder(value, (element, index) => write(element, join(place, String(index))));
    if (!isObject(value)) return value;
    const entries = await mapInOrder(
      Object.entries(value),
      async ([key, inner]) => [key, await write(inner, join(place, basename(key)))] as const,
    );
    return Object.fromEntries(entries);
  };
  const written = await mapInOrder(
    Object.entries(values),
    async ([name, value]) => [name, await write(value, name)] as const,
  );
  return Object.fromEntries(written);
}

async function downloadTo(engine: Engine, { hash, isFolder }: FileValue, target: string): Promise<void> {
  const content = Readable.fromWeb((await engine.download(hash)) as Parameters<typeof Readable.fromWeb>[0]);
  if (isFolder) return extractFolder(content, target);
  await mkdir(join(target, '..'), { recursive: true });
  await pipeline(content, createWriteStream(target));
}

/** Names come from actions: only their last part is used, and none that leaves the folder. */
function fileOf(value: JsonValue): FileValue | undefined {
  const [hash, name, kind] = [at(value, '$file'), at(value, 'name'), at(value, 'kind')];
  if (typeof hash !== 'string' || typeof name !== 'string') return undefined;
  const base = basename(name);
  return { hash, name: base === '' || base === '.' || base === '..' ? 'file' : base, isFolder: kind === 'directory' };
}

async function mapInOrder<T, R>(items: readonly T[], map: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const mapped: R[] = [];
  for (const [index, item] of items.entries()) mapped.push(await map(item, index));
  return mapped;
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
