import { load } from 'js-yaml';
import { parseMetadata } from './metadata';

const minimal = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Processor',
  spec: { id: 'split', human_name: 'Split', type: 'nodejs', version: '1.0' },
};

function withSpec(more: object): unknown {
  return { ...minimal, spec: { ...minimal.spec, ...more } };
}

function faultsOf(value: unknown): unknown {
  const parsed = parseMetadata(value);
  return parsed.ok ? [] : parsed.faults;
}

const io = { name: 'x', human_name: 'X', help: '', type: 'string' };

describe('parseMetadata', () => {
  it('reads what an author wrote, in the way authors write', () => {
    const text = `
apiVersion: "ryax.tech/v2.0"   # trailing comment
kind: Publisher
spec:
  id: gutenberg-richter
  human_name: Gutenberg–Richter
  type: python3
  version: '1.2'
  description: >
    folded
    text
  logo: mylogo.png
  categories: [Science]
  resources: { cpu: 0.5, memory: 4G, time: 5m, gpu: { count: 2, model: A100 } }
  inputs:
  - help : The magnitudes
    human_name: .
    name: magnitudes
    type: json
    default_value: [1, 2.5]
  - { name: bins, human_name: Bins, help: How many, type: integer, default_value: "10", optional: }
  outputs:
`;
    expect(parseMetadata(load(text))).toEqual({
      ok: true,
      manifest: {
        id: 'gutenberg-richter',
        version: '1.2',
        human_name: 'Gutenberg–Richter',
        description: 'folded text\n',
        kind: 'Publisher',
        runtime: 'python3',
        inputs: [
          { name: 'magnitudes', human_name: '.', help: 'The magnitudes', type: 'json', default_value: [1, 2.5] },
          { name: 'bins', human_name: 'Bins', help: 'How many', type: 'integer', default_value: 10 },
        ],
        outputs: [],
        resources: { cpu: 0.5, memory_bytes: 4_294_967_296, gpu: 2, time_ms: 300_000 },
        categories: ['Science'],
        warnings: ['of the GPU only its count is asked for'],
      },
    });
  });

  it('takes Trigger for Source', () => {
    expect(parseMetadata({ ...minimal, kind: 'Trigger' })).toMatchObject({ manifest: { kind: 'Source' } });
  });

  it('lets an input and an output share a name', () => {
    expect(parseMetadata(withSpec({ inputs: [io], outputs: [io] }))).toMatchObject({ ok: true });
  });

  it('warns of what a local process cannot have', () => {
    const parsed = parseMetadata(
      withSpec({
        version: null,
        dependencies: ['git', 'opencv'],
        addons: { http_service: { port: 80 } },
        inputs: [{ ...io, type: 'file', default_value: 'a.csv' }],
      }),
    );
    expect(parsed).toMatchObject({
      ok: true,
      manifest: {
        version: '0.0.0',
        warnings: [
          'spec.version is missing: taken as 0.0.0',
          'nix dependencies cannot be had in a local process: git, opencv',
          'add-ons are ignored: http_service',
          'spec.inputs[0].default_value: a file cannot have a default: it is ignored',
        ],
      },
    });
  });

  it.each<[string, unknown, { path: string; reason: string }[]]>([
    ['no document', null, [{ path: '', reason: 'expected an object, found null' }]],
    [
      'an unquoted version',
      withSpec({ version: 1.0 }),
      [{ path: 'spec.version', reason: 'expected a string, found the number 1; write it in quotes: "1.0"' }],
    ],
    [
      'an unknown key',
      withSpec({ humanname: 'a' }),
      [{ path: 'spec.humanname', reason: 'unknown field; did you mean "human_name"?' }],
    ],
    [
      'an unknown key in an input',
      withSpec({ inputs: [{ ...io, default: 1 }] }),
      [{ path: 'spec.inputs[0].default', reason: 'unknown field' }],
    ],
    [
      'a missing help and a wrong type',
      withSpec({ inputs: [{ name: 'x', human_name: 'X', type: 'int' }] }),
      [
        { path: 'spec.inputs[0].help', reason: 'is required' },
        {
          path: 'spec.inputs[0].type',
          reason:
            'expected one of "string", "longstring", "password", "integer", "float", "boolean", "enum", "file", "directory", "json", found the string "int"',
        },
      ],
    ],
    [
      'two inputs of one name',
      withSpec({ inputs: [io, io] }),
      [{ path: 'spec.inputs[1].name', reason: '"x" is declared twice' }],
    ],
    [
      'a default on an output',
      withSpec({ outputs: [{ ...io, default_value: 'a' }] }),
      [{ path: 'spec.outputs[0].default_value', reason: 'an output has no default' }],
    ],
    [
      'a default of another type',
      withSpec({ inputs: [{ ...io, type: 'integer', default_value: 'ten' }] }),
      [{ path: 'spec.inputs[0].default_value', reason: 'expected an integer, found the string "ten"' }],
    ],
    [
      'an enum without values',
      withSpec({ inputs: [{ ...io, type: 'enum' }] }),
      [{ path: 'spec.inputs[0].enum_values', reason: 'an enum needs its values' }],
    ],
    [
      'too little memory',
      withSpec({ resources: { memory: '32M' } }),
      [{ path: 'spec.resources.memory', reason: 'expected bytes, or a size such as 4G, above 32M; found "32M"' }],
    ],
    [
      'no time',
      withSpec({ resources: { time: 0 } }),
      [{ path: 'spec.resources.time', reason: 'expected seconds, or a duration such as 5m, above 0; found 0' }],
    ],
    [
      'dynamic outputs',
      withSpec({ dynamic_outputs: true }),
      [{ path: 'spec.dynamic_outputs', reason: 'only a Source has dynamic outputs' }],
    ],
    [
      'C#',
      withSpec({ type: 'csharp-dotnet6' }),
      [{ path: 'spec.type', reason: 'C# actions are not run: build an image of it and use it as a container' }],
    ],
    [
      'a wrong id',
      withSpec({ id: 'Split_It' }),
      [{ path: 'spec.id', reason: 'expected 3 to 24 lower-case letters, digits, . or -' }],
    ],
    [
      'a number that YAML has and JSON has not',
      withSpec({ resources: { cpu: NaN } }),
      [{ path: 'spec.resources.cpu', reason: 'expected a JSON value, found NaN' }],
    ],
  ])('refuses %s', (_, value, faults) => {
    expect(faultsOf(value)).toEqual(faults);
  });

  it('tells how to migrate from v1 and nothing else', () => {
    expect(faultsOf({ apiVersion: 'ryax.tech/v1', kind: 'Functions', spec: { detail: 'x' } })).toEqual([
      {
        path: 'apiVersion',
        reason: expect.stringMatching(/^ryax\.tech\/v1 is no longer read: write ryax\.tech\/v2\.0, kind Processor/),
      },
    ]);
  });
});
