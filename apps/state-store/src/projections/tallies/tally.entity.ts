import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How many runs or executions of a project are in a state. */
@Entity({ schema: 'read_models', name: 'tallies' })
export class TallyEntity {
  @PrimaryColumn({ type: 'text' })
  readonly subject!: string;

  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text' })
  readonly state!: string;

  @Column({ type: 'bigint' })
  readonly count!: string;
}
