import type { JsonObject } from '@ryax/contracts';
import { itRefuses, noop } from './spec-fixtures';

describe('declarations', () => {
  const of = (...outputs: JsonObject[]): JsonObject => ({ trigger: { kind: 'manual', outputs }, actions: [noop('a')] });
  itRefuses([
    [
      'two trigger outputs of one name',
      of({ name: 'x', type: 'string' }, { name: 'x', type: 'json' }),
      ['spec.trigger.outputs[1].name', '"x" is declared twice'],
    ],
    [
      'an enum without values',
      of({ name: 'x', type: 'enum' }),
      ['spec.trigger.outputs[0].enum_values', 'an enum needs its values'],
    ],
    [
      'a default of another type',
      of({ name: 'x', type: 'integer', default_value: 'ten' }),
      ['spec.trigger.outputs[0].default_value', 'expected an integer, found the string "ten"'],
    ],
    [
      'a type that there is not',
      of({ name: 'x', type: 'flot' }),
      [
        'spec.trigger.outputs[0].type',
        'expected one of "string", "longstring", "password", "integer", "float", "boolean", "enum", "file", "directory", "json", found the string "flot"; did you mean "float"?',
      ],
    ],
    [
      'a path as the default of a file',
      of({ name: 'x', type: 'file', default_value: 'data/quakes.csv' }),
      [
        'spec.trigger.outputs[0].default_value',
        'expected a file that has been uploaded, found the path "data/quakes.csv"; use `ryax deploy` or `ryax run`, which upload',
      ],
    ],
    [
      'a default on a container output',
      {
        actions: [
          {
            id: 'a',
            container: {
              image: 'alpine',
              command: ['true'],
              outputs: [{ name: 'x', type: 'string', default_value: 'y' }],
            },
          },
        ],
      },
      ['spec.actions[0].container.outputs[0].default_value', 'an output has no default'],
    ],
  ]);
});
