import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A row of the table of runs, as pg gives it: `bigint` as text. */
@Entity({ schema: 'read_models', name: 'runs' })
@Index('runs_project_position_idx', ['project', 'position'])
@Index('runs_project_state_position_idx', ['project', 'state', 'position'])
@Index('runs_project_workflow_id_position_idx', ['project', 'workflow_id', 'position'])
@Index('runs_project_workflow_id_state_position_idx', ['project', 'workflow_id', 'state', 'position'])
export class RunEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text' })
  readonly run_id!: string;

  @Column({ type: 'text' })
  readonly workflow_id!: string;

  @Column({ type: 'integer' })
  readonly workflow_version!: number;

  @Column({ type: 'text' })
  readonly definition_hash!: string;

  @Column({ type: 'text' })
  readonly state!: string;

  /** JSON text. */
  @Column({ type: 'text' })
  readonly labels!: string;

  /** Of the first event. */
  @Column({ type: 'bigint' })
  readonly position!: string;

  /** In milliseconds since the epoch, as all times. */
  @Column({ type: 'bigint' })
  readonly created_at!: string;

  @Column({ type: 'bigint', nullable: true })
  readonly ended_at!: string | null;

  /** JSON text. */
  @Column({ type: 'text', nullable: true })
  readonly counts!: string | null;

  /** JSON text. */
  @Column({ type: 'text', nullable: true })
  readonly failure!: string | null;
}
