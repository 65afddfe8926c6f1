import { EntitySchema } from 'typeorm';

/**
 * The tables as the migrations make them (a spec compares the two), and their rows as pg gives them: `bigint` as text.
 * Times are milliseconds since the epoch on the database's clock.
 */

export interface EventRow {
  /** Grows along each stream; has gaps, and across streams is not the order of commits: see the tail. */
  readonly position: string;
  /** The decision's `now`. */
  readonly recorded_at: string;
  readonly version: number;
  readonly schema: number;
  readonly stream_id: string;
  readonly project: string;
  readonly type: string;
  /** The exact text: jsonb would refuse some JSON, and keep the bytes of none. */
  readonly data: string;
  readonly metadata: string;
  readonly hash: Buffer;
}

export const eventEntity = new EntitySchema<EventRow>({
  name: 'events',
  columns: {
    position: { type: 'bigint', primary: true, default: () => `nextval('events_position')` },
    recorded_at: { type: 'bigint' },
    version: { type: 'integer' },
    schema: { type: 'integer' },
    stream_id: { type: 'text', collation: 'C' },
    project: { type: 'text' },
    type: { type: 'text' },
    data: { type: 'text' },
    metadata: { type: 'text' },
    hash: { type: 'bytea' },
  },
  indices: [{ name: 'events_by_stream', columns: ['stream_id', 'version'] }],
});

export interface StreamHeadRow {
  readonly stream_id: string;
  /** A lower bound of when the stream wants to be woken; null for never. */
  readonly wakeup_at: string | null;
  readonly partition: number;
  readonly version: number;
  /** What the last append expected as version: how that travels into its compare-and-set. Nothing reads it afterwards. */
  readonly base: number;
  readonly open: boolean;
  readonly project: string;
  readonly kind: string;
  readonly hash: Buffer;
  /** What the last append expected as hash; empty for a new stream. As `base`. */
  readonly base_hash: Buffer;
}

export const streamHeadEntity = new EntitySchema<StreamHeadRow>({
  name: 'stream_heads',
  columns: {
    stream_id: { type: 'text', primary: true, collation: 'C' },
    wakeup_at: { type: 'bigint', nullable: true },
    partition: { type: 'integer' },
    version: { type: 'integer' },
    base: { type: 'integer' },
    open: { type: 'boolean' },
    project: { type: 'text' },
    kind: { type: 'text' },
    hash: { type: 'bytea' },
    base_hash: { type: 'bytea' },
  },
  indices: [
    { name: 'stream_heads_by_wakeup', columns: ['partition', 'wakeup_at'], where: 'open' },
    { name: 'stream_heads_open', columns: ['partition', 'stream_id'], where: 'open' },
  ],
});

export interface MemberRow {
  readonly incarnation: string;
  readonly id: string;
  readonly kind: 'runner' | 'executor';
  readonly site: string;
  readonly pools: string;
  readonly wanted: string;
  readonly schema_max: number;
  /** The lock that it holds while it lives. */
  readonly lock: string | null;
  /** What it runs goes on when it dies. */
  readonly keeps_work: boolean;
  readonly pool_kinds: string;
  readonly sent: number;
  readonly beat_at: string;
}

export const memberEntity = new EntitySchema<MemberRow>({
  name: 'members',
  columns: {
    incarnation: { type: 'text', primary: true },
    id: { type: 'text' },
    kind: { type: 'text' },
    site: { type: 'text' },
    pools: { type: 'text' },
    wanted: { type: 'text' },
    schema_max: { type: 'integer' },
    lock: { type: 'text', nullable: true },
    keeps_work: { type: 'boolean', default: false },
    pool_kinds: { type: 'text', default: '[]' },
    sent: { type: 'double precision' },
    beat_at: { type: 'bigint' },
  },
});

export interface ReaderRow {
  readonly name: string;
  readonly position: string;
}

export const readerEntity = new EntitySchema<ReaderRow>({
  name: 'readers',
  columns: { name: { type: 'text', primary: true }, position: { type: 'bigint' } },
});

export interface SnapshotRow {
  readonly stream_id: string;
  /** Number of the fold that wrote the state. */
  readonly schema: number;
  readonly version: number;
  readonly hash: Buffer;
  readonly state: string;
}

export const snapshotEntity = new EntitySchema<SnapshotRow>({
  name: 'snapshots',
  columns: {
    stream_id: { type: 'text', primary: true, collation: 'C' },
    schema: { type: 'integer', primary: true },
    version: { type: 'integer' },
    hash: { type: 'bytea' },
    state: { type: 'text' },
  },
});

export interface SettingRow {
  readonly key: string;
  readonly value: string;
}

export const settingEntity = new EntitySchema<SettingRow>({
  name: 'settings',
  columns: { key: { type: 'text', primary: true }, value: { type: 'text' } },
});

export const entities = [eventEntity, streamHeadEntity, memberEntity, readerEntity, snapshotEntity, settingEntity];
