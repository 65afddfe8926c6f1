import { DeadLetterEntity } from '../dead-letters/dead-letter.entity';
import { DefinitionEntryEntity } from '../estimates/definition-entry.entity';
import { LogChunkEntity } from '../logs/log-chunk.entity';
import { ActionEntity } from '../projections/actions/action.entity';
import { ExecutionEntity } from '../projections/executions/execution.entity';
import { ObservationEntity } from '../projections/observations/observation.entity';
import { RunLabelEntity } from '../projections/runs/run-label.entity';
import { RunEntity } from '../projections/runs/run.entity';
import { TallyEntity } from '../projections/tallies/tally.entity';
import { WorkflowEntity } from '../projections/workflows/workflow.entity';

/**
 * The tables as migrations make them; a spec compares the two. They type the rows that statements give: columns have
 * their names in the database.
 */
export const entities = [
  RunEntity,
  RunLabelEntity,
  ExecutionEntity,
  ObservationEntity,
  WorkflowEntity,
  ActionEntity,
  TallyEntity,
  LogChunkEntity,
  DefinitionEntryEntity,
  DeadLetterEntity,
];
