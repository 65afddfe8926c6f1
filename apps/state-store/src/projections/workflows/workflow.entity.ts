import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of the table of workflows, as pg gives it: `bigint` as text. */
@Entity({ schema: 'read_models', name: 'workflows' })
export class WorkflowEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text', collation: 'C' })
  readonly workflow_id!: string;

  @Column({ type: 'integer' })
  readonly version!: number;

  /** JSON text. */
  @Column({ type: 'text' })
  readonly human_name!: string;

  @Column({ type: 'text' })
  readonly definition_hash!: string;

  @Column({ type: 'boolean' })
  readonly deployed!: boolean;

  @Column({ type: 'bigint' })
  readonly deployed_at!: string;
}
