/** The processes of the engine under test. REST has one port, so there is one intake; of all others there are two. */
export const roster = [
  { label: 'studio-intake-1', service: 'studio-intake', hasDatabase: false },
  { label: 'runner-1', service: 'runner', hasDatabase: true },
  { label: 'runner-2', service: 'runner', hasDatabase: true },
  { label: 'executor-1', service: 'executor', hasDatabase: false },
  { label: 'executor-2', service: 'executor', hasDatabase: false },
  { label: 'state-store-1', service: 'state-store', hasDatabase: true },
  { label: 'state-store-2', service: 'state-store', hasDatabase: true },
] as const;

export type Member = (typeof roster)[number];
export type Label = Member['label'];
export type Service = Member['service'];

export const allLabels = labelsWhere(() => true);
export const labelsWithDatabase = labelsWhere(({ hasDatabase }) => hasDatabase);
export const executorLabels = labelsWhere(({ service }) => service === 'executor');

function labelsWhere(isWanted: (member: Member) => boolean): readonly [Label, ...Label[]] {
  const [first, ...others] = roster.filter(isWanted).map(({ label }) => label);
  if (first === undefined) throw new Error('Expected a member of the roster, found none');
  return [first, ...others];
}
