import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Which action an entry of a definition runs. */
@Entity({ name: 'definition_entries' })
@Index('definition_entries_action_key_idx', ['action_key'])
export class DefinitionEntryEntity {
  @PrimaryColumn({ type: 'text' })
  readonly definition_hash!: string;

  @PrimaryColumn({ type: 'text' })
  readonly entry!: string;

  @Column({ type: 'text' })
  readonly action_key!: string;
}
