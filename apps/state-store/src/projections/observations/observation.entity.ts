import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of the table of observations, as pg gives it: `bigint` as text. */
@Entity({ schema: 'read_models', name: 'observations' })
export class ObservationEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text' })
  readonly definition_hash!: string;

  @PrimaryColumn({ type: 'text' })
  readonly entry!: string;

  @PrimaryColumn({ type: 'text' })
  readonly subject!: string;

  @Column({ type: 'bigint' })
  readonly seen!: string;

  @Column({ type: 'double precision' })
  readonly mean!: number;

  @Column({ type: 'double precision' })
  readonly variance!: number;

  @Column({ type: 'bigint' })
  readonly position!: string;
}
