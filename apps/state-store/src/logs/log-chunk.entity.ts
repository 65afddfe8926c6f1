import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A piece of the output of an attempt, as pg gives it: `bigint` as text. */
@Entity({ name: 'log_chunks' })
export class LogChunkEntity {
  @PrimaryColumn({ type: 'text' })
  readonly project!: string;

  @PrimaryColumn({ type: 'text' })
  readonly run_id!: string;

  @PrimaryColumn({ type: 'text' })
  readonly execution!: string;

  @PrimaryColumn({ type: 'integer' })
  readonly attempt!: number;

  @PrimaryColumn({ type: 'bigint' })
  readonly byte_offset!: string;

  /** As the executor counted them. */
  @Column({ type: 'integer' })
  readonly bytes!: number;

  @Column({ type: 'bytea' })
  readonly content!: Buffer;

  @Column({ type: 'boolean' })
  readonly is_end!: boolean;

  @Column({ type: 'timestamp with time zone', default: () => 'now()' })
  readonly stored_at!: Date;
}
