import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of the catalogue of published actions. */
@Entity({ schema: 'read_models', name: 'actions' })
export class ActionEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text', collation: 'C' })
  readonly action_id!: string;

  @PrimaryColumn({ type: 'text', collation: 'C' })
  readonly version!: string;

  @Column({ type: 'text' })
  readonly content_hash!: string;

  /** JSON text. */
  @Column({ type: 'text' })
  readonly manifest!: string;
}
