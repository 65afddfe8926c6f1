import type { IoDeclaration, IoType, JsonObject, JsonValue, PinnedAction } from '@ryax/contracts';
import { validateDefinition } from './validate';

/** What the specs of this folder share. */

export function declare(name: string, type: IoType, more: Partial<IoDeclaration> = {}): IoDeclaration {
  return { name, type, ...more };
}

export function pinned(id: string, inputs: readonly IoDeclaration[], outputs: readonly IoDeclaration[]): PinnedAction {
  return {
    content_hash: `sha256:${'0'.repeat(64)}`,
    manifest: {
      id,
      version: '1.0',
      human_name: id,
      kind: 'Processor',
      runtime: 'nodejs',
      inputs: [...inputs],
      outputs: [...outputs],
      resources: { time_ms: 60_000 },
      categories: [],
      warnings: [],
    },
  };
}

export const catalogue: ReadonlyMap<string, PinnedAction> = new Map([
  [
    'split-by-region@1.2',
    pinned(
      'split-by-region',
      [declare('catalogue', 'file'), declare('min_magnitude', 'float'), declare('label', 'string', { optional: true })],
      [declare('regions', 'json'), declare('count', 'integer'), declare('title', 'string')],
    ),
  ],
  [
    'gutenberg-richter@1.0',
    pinned(
      'gutenberg-richter',
      [declare('region', 'string'), declare('events', 'file'), declare('bins', 'integer', { default_value: 10 })],
      [declare('b_value', 'float'), declare('events_used', 'integer'), declare('plot', 'file')],
    ),
  ],
  [
    'report@1.0',
    pinned('report', [declare('fits', 'json'), declare('alarmed', 'boolean')], [declare('document', 'file')]),
  ],
  [
    'login@1.0',
    pinned(
      'login',
      [declare('password', 'password'), declare('role', 'enum', { enum_values: ['reader', 'writer'] })],
      [declare('token', 'password'), declare('user', 'string'), declare('archive', 'directory')],
    ),
  ],
]);

/** A definition around the given parts of `spec`. */
export function workflow(spec: JsonObject): JsonObject {
  return { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'spec', ...spec } };
}

/** `core/noop` with the given inputs: it gives them back. */
export function noop(id: string, inputs: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return { id, action: 'core/noop', inputs, ...more };
}

/** A faultless action of the catalogue, to be made wrong. */
export function split(more: JsonObject = {}): JsonObject {
  return {
    id: 'split',
    action: 'split-by-region@1.2',
    inputs: { catalogue: '=trigger.catalogue', min_magnitude: 2.5 },
    ...more,
  };
}

export const trigger: JsonValue = {
  kind: 'manual',
  outputs: [
    { name: 'catalogue', type: 'file' },
    { name: 'min_magnitude', type: 'float', default_value: 2.5 },
    { name: 'rounds', type: 'integer', default_value: 3 },
    { name: 'name', type: 'string', default_value: 'x' },
    { name: 'secret', type: 'password', default_value: 'x' },
    { name: 'note', type: 'string', optional: true },
    { name: 'anything', type: 'json', optional: true },
  ],
};

/** The faults of a definition whose trigger is {@link trigger}. */
export function faultsOf(spec: JsonObject): readonly { path: string; reason: string }[] {
  const validation = validateDefinition(workflow({ trigger, ...spec }), catalogue);
  return validation.ok ? [] : validation.faults;
}

/** A faultless collection over what {@link split} gives. */
export function fit(more: JsonObject = {}): JsonObject {
  return {
    id: 'fit',
    action: 'gutenberg-richter@1.0',
    for_each: '=split.regions',
    inputs: { region: '=item.name', events: '=item.file' },
    ...more,
  };
}

/** An action that takes a password and gives one. */
export function login(inputs: JsonObject): JsonObject {
  return { id: 'login', action: 'login@1.0', inputs: { password: '=trigger.secret', role: 'reader', ...inputs } };
}

/** A definition that is wrong in one way, and where and why. */
export type Wrong = readonly [what: string, spec: JsonObject, ...faults: (readonly [path: string, reason: string])[]];

export function itRefuses(wrongs: readonly Wrong[]): void {
  it.each(wrongs.map(([what, spec, ...faults]) => ({ what, spec, faults })))('refuses $what', ({ spec, faults }) => {
    expect(faultsOf(spec)).toEqual(faults.map(([path, reason]) => ({ path, reason })));
  });
}
