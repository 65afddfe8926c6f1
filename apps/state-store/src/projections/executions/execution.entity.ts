import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of the table of executions that ended, as pg gives it: `bigint` as text. */
@Entity({ schema: 'read_models', name: 'executions' })
export class ExecutionEntity {
  /** Of the event that ended it. */
  @PrimaryColumn({ type: 'bigint' })
  readonly position!: string;

  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @Column({ type: 'text' })
  readonly run_id!: string;

  @Column({ type: 'text' })
  readonly execution!: string;

  @PrimaryColumn({ type: 'text' })
  readonly state!: string;

  @Column({ type: 'integer', nullable: true })
  readonly attempt!: number | null;

  @Column({ type: 'double precision', nullable: true })
  readonly duration_ms!: number | null;

  @Column({ type: 'text', nullable: true })
  readonly executor!: string | null;

  @Column({ type: 'bigint' })
  readonly ended_at!: string;

  /** JSON text. */
  @Column({ type: 'text', nullable: true })
  readonly failure!: string | null;
}
