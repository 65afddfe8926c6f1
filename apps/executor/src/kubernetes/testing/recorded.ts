import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import type { ApiAnswer } from '../api-answer';

/**
 * What a real 1.36 cluster sent, without what nobody reads here (managed fields, service account volumes, addresses), and
 * with neutral names of its node and registry. One file for each pod that was watched; events as a list shows them in the end.
 */
const folder = join(__dirname, 'recorded');

export interface Seen {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: V1Pod;
}

/** All states of a pod, in the order in which they were watched. */
export function recordedPods(name: string): readonly Seen[] {
  return lines(`${name}.jsonl`) as Seen[];
}

export const recordedNames = readdirSync(folder)
  .filter((file) => file.endsWith('.jsonl') && !file.endsWith('.events.jsonl'))
  .map((file) => file.slice(0, -'.jsonl'.length));

export function recordedEvents(name: string): readonly CoreV1Event[] {
  return lines(`${name}.events.jsonl`) as CoreV1Event[];
}

type Answer = Extract<ApiAnswer, { type: 'answer' }>;

/** Answers by name: status, body, and what matters of the headers. */
export const recordedAnswers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Record<
  string,
  Omit<Answer, 'type'>
>;

export function recordedAnswer(name: string): Answer {
  const answer = recordedAnswers[name];
  if (answer === undefined) throw new Error(`No answer ${name} was recorded`);
  return { type: 'answer', ...answer };
}

function lines(file: string): unknown[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
