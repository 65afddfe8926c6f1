import {
  parseDurationMs,
  parseSizeBytes,
  type ActionManifest,
  type Fault,
  type IoDeclaration,
  type Resources,
} from '@ryax/contracts';
import { checkDeclarations, checkOutputDeclarations } from './declarations';
import { Faults } from './faults';
import { checkJson } from './json-bounds';
import { metadataSchema, type Metadata, type MetadataIo, type MetadataResources } from './metadata-schema';
import { at, type Place } from './place';
import { checkValue } from './values';
import { reportIssues } from './zod-faults';

export type ParsedMetadata =
  { readonly ok: true; readonly manifest: ActionManifest } | { readonly ok: false; readonly faults: readonly Fault[] };

const spec = at(null, 'spec');

/** @param value what a YAML parser made of `ryax_metadata.yaml` */
export function parseMetadata(value: unknown): ParsedMetadata {
  const faults = new Faults();
  const manifest = checkJson(value, faults) ? readManifest(value, faults) : undefined;
  return manifest !== undefined && faults.isEmpty ? { ok: true, manifest } : { ok: false, faults: faults.list };
}

function readManifest(value: unknown, faults: Faults): ActionManifest | undefined {
  if (isFirstVersion(value)) {
    faults.add(at(null, 'apiVersion'), migration);
    return undefined;
  }
  const parsed = metadataSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return manifestOf(parsed.data, faults);
  for (const issue of parsed.error.issues) {
    if (issue.path.join('.') === 'spec.version' && typeof issue.input === 'number') {
      faults.add(at(spec, 'version'), quoteVersion(issue.input));
    } else reportIssues([issue], null, metadataSchema, faults);
  }
  return undefined;
}

function isFirstVersion(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'apiVersion' in value && value.apiVersion === 'ryax.tech/v1';
}

const migration =
  'ryax.tech/v1 is no longer read: write ryax.tech/v2.0, kind Processor (was Functions), Source (was Gateways) or Publisher ' +
  '(was Publishers), description instead of detail, and name the code ryax_handler.py (was handler.py) or ryax_run.py (was run.py)';

/** YAML reads 1.10 as 1.1. */
function quoteVersion(version: number): string {
  const text = Number.isInteger(version) ? version.toFixed(1) : String(version);
  return `expected a string, found the number ${version}; write it in quotes: "${text}"`;
}

function manifestOf({ kind, spec: found }: Metadata, faults: Faults): ActionManifest | undefined {
  const runtime = runtimeOf(found.type, faults);
  const isSource = kind === 'Source' || kind === 'Trigger';
  if (found.dynamic_outputs === true && !isSource) {
    faults.add(at(spec, 'dynamic_outputs'), 'only a Source has dynamic outputs');
  }
  const inputs = (found.inputs ?? []).map((input, index) => declarationOf(input, at(spec, 'inputs', index), faults));
  const outputs = (found.outputs ?? []).map((output) => ({ ...plain(output), default_value: output.default_value }));
  checkDeclarations(inputs, at(spec, 'inputs'), faults);
  checkOutputDeclarations(outputs, at(spec, 'outputs'), faults);
  const resources = resourcesOf(found.resources ?? {}, at(spec, 'resources'), faults);
  if (runtime === undefined) return undefined;
  return {
    id: found.id,
    version: found.version ?? unversioned,
    human_name: found.human_name,
    ...present({ description: found.description }),
    kind: isSource ? 'Source' : kind,
    runtime,
    inputs,
    outputs: outputs.map(({ default_value: _, ...output }) => output),
    resources,
    categories: found.categories ?? [],
    warnings: [...warningsOf(found), ...faults.warnings.map(({ path, reason }) => `${path}: ${reason}`)],
  };
}

/** Metadata has always had a version in practice, and never had to. */
const unversioned = '0.0.0';

function runtimeOf(type: Metadata['spec']['type'], faults: Faults): ActionManifest['runtime'] | undefined {
  switch (type) {
    case 'python3':
    case 'python3-cuda':
    case 'nodejs':
      return type;
    case 'csharp-dotnet6':
      faults.add(at(spec, 'type'), 'C# actions are not run: build an image of it and use it as a container');
      return undefined;
    case 'internal':
      faults.add(at(spec, 'type'), 'internal actions are part of the engine and cannot be uploaded');
      return undefined;
    default:
      return type satisfies never;
  }
}

/** A default may be written as text, whatever its type. One for a file is a path on a machine that is not ours. */
function declarationOf(input: MetadataIo, place: Place, faults: Faults): IoDeclaration {
  const declaration = plain(input);
  const { default_value: value } = input;
  if (value === undefined || value === null) return declaration;
  if (input.type === 'file' || input.type === 'directory') {
    faults.warn(at(place, 'default_value'), `a ${input.type} cannot have a default: it is ignored`);
    return declaration;
  }
  const checked = checkValue(declaration, value, 'input');
  return { ...declaration, default_value: checked.ok ? checked.value : value };
}

function plain({ name, type, human_name, help, enum_values, optional }: MetadataIo): IoDeclaration {
  return { name, type, human_name, help, ...present({ enum_values, optional }) };
}

/** The fields that have a value. */
function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** What the original asks for at least. */
const leastMemoryBytes = 32 * 1024 * 1024;

function resourcesOf({ cpu, memory, time, gpu }: Partial<MetadataResources>, place: Place, faults: Faults): Resources {
  const memoryBytes = memory === undefined ? undefined : parseSizeBytes(memory);
  if (memory !== undefined && (memoryBytes ?? 0) <= leastMemoryBytes) {
    faults.add(at(place, 'memory'), `expected bytes, or a size such as 4G, above 32M; found ${JSON.stringify(memory)}`);
  }
  const timeMs = time === undefined ? undefined : parseDurationMs(time);
  if (time !== undefined && (timeMs ?? 0) === 0) {
    faults.add(at(place, 'time'), `expected seconds, or a duration such as 5m, above 0; found ${JSON.stringify(time)}`);
  }
  const gpus = typeof gpu === 'object' ? (gpu.count ?? 1) : gpu;
  return present({ cpu, memory_bytes: memoryBytes, gpu: gpus, time_ms: timeMs });
}

function warningsOf({ version, dependencies = [], addons = {}, resources }: Metadata['spec']): readonly string[] {
  const ignored = Object.keys(addons);
  return [
    ...(version === undefined ? [`spec.version is missing: taken as ${unversioned}`] : []),
    ...(dependencies.length === 0
      ? []
      : [`nix dependencies cannot be had in a local process: ${dependencies.join(', ')}`]),
    ...(ignored.length === 0 ? [] : [`add-ons are ignored: ${ignored.join(', ')}`]),
    ...(typeof resources?.gpu === 'object' ? ['of the GPU only its count is asked for'] : []),
  ];
}
