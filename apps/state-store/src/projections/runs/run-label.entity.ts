import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One label of one run; see {@link RunsTable.saveLabels}. */
@Entity({ schema: 'read_models', name: 'run_labels' })
export class RunLabelEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  /** JSON text of name and value. */
  @PrimaryColumn({ type: 'text' })
  readonly label!: string;

  /** The run's. */
  @PrimaryColumn({ type: 'bigint' })
  readonly position!: string;

  @Column({ type: 'text' })
  readonly run_id!: string;
}
