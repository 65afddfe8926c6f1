import type { Row } from './rows';

/** One repeat of the workloads W1 to W4 after another, each on a fresh server of the peer. */
export interface Peer {
  readonly versions: Readonly<Record<string, string>>;
  readonly durability: string;
  measure(options: { readonly workloads: readonly string[]; readonly quick: boolean }): Promise<Row[]>;
  close(): Promise<void>;
}

/** What `bench/peers/index.mjs` offers. A peer that cannot be had makes `openPeer` throw a {@link PeerUnavailable}. */
export interface Peers {
  readonly peerNames: readonly string[];
  readonly peerWorkloads: readonly string[];
  openPeer(name: string, options: { readonly directory: string; readonly log?: (line: string) => void }): Promise<Peer>;
}

interface PeerUnavailable {
  readonly code: 'peer_unavailable';
  readonly reason: string;
}

export function isUnavailable(error: unknown): error is PeerUnavailable {
  return error instanceof Error && 'code' in error && error.code === 'peer_unavailable';
}
