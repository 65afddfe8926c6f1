/** A peer cannot be had on this machine. Its message says why, so that whoever compares can leave it out by name. */
export class PeerUnavailableError extends Error {
  code = 'peer_unavailable';

  constructor(peer, reason, options) {
    super(`${peer} is not available: ${reason}`, options);
    this.name = 'PeerUnavailableError';
    this.peer = peer;
    this.reason = reason;
  }
}
