/** What one process of a stub takes: whoever reaches its listener shall cost neither it nor the gateway more. */
export interface StubBounds {
  /** Of initiators, at once. */
  readonly connections: number;
  /** Of these, how many have a gateway dialled: each costs a handshake here, and a stranger's place there. */
  readonly dials: number;
}

/** A host has some sessions, with many targets and multipath a few hundred; by default a gateway has 256 places for strangers. */
export const STUB_BOUNDS: StubBounds = { connections: 1024, dials: 256 };

export function tooManyConnections({ connections }: StubBounds): string {
  return `${connections} connections of initiators are open, a process takes no more; look who connects to the stub`;
}

export function tooManyDials({ dials }: StubBounds): string {
  return `for ${dials} initiators a gateway is being dialled, a process dials for no more; look whether the gateways answer, and who connects to the stub`;
}
