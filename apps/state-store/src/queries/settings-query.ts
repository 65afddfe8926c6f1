import type { EventLog, Settings } from '@ryax/event-log';
import type { QueryHandlers } from './query-handlers';

export interface SettingsQueryParts {
  readonly settings: Settings;
  readonly log: Pick<EventLog, 'countOpen'>;
  /** What is configured, in case that we are the first to ask. */
  readonly partitions: number;
}

export function settingsQuery({
  settings,
  log,
  partitions,
}: SettingsQueryParts): Pick<QueryHandlers, 'engine.settings' | 'project.load'> {
  return {
    'engine.settings': async () => ({ partitions: await settings.partitionCount(partitions) }),
    'project.load': async ({ project }) => ({ open_runs: await log.countOpen(project) }),
  };
}
