import type { Failure } from '../failures.ts';

/** Who is on the other end, as far as it is known. */
export interface Peer {
  /** Remote address of the tunnel. */
  readonly address: string;
  /** Shortest name that the certificate carries: a URI, a DNS name, the CN or the fingerprint. */
  readonly certificate?: string;
  readonly initiatorName?: string;
}

export interface Traffic {
  readonly pdus: number;
  readonly bytes: number;
}

/** What happens, in typed events; the log and the metrics each subscribe. Nothing here can hold a secret. */
export type GatewayEvent =
  /** `suppressed` connections were refused for the same reason since the last such event: a flood is one line a second. */
  | { readonly kind: 'refused'; readonly peer: Peer; readonly failure: Failure; readonly suppressed: number }
  | { readonly kind: 'handshake'; readonly failure?: Failure; readonly peer: Peer }
  /** Each login ends in exactly one. Without `failure` it was allowed. */
  | {
      readonly kind: 'login';
      readonly peer: Peer;
      readonly sessionType?: 'Normal' | 'Discovery';
      readonly target?: string;
      /** `db1 at config/gateway.yaml:12:3`: the rule that decided. */
      readonly rule?: string;
      readonly backend?: string;
      readonly portal?: string;
      readonly session?: number;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'discovery';
      readonly peer: Peer;
      readonly shown: number;
      readonly missing: readonly { readonly backend: string; readonly failure: Failure }[];
      readonly malformed: readonly string[];
      /** Ended the discovery session. */
      readonly failure?: Failure;
    }
  /** An initiator asked for something in full feature phase that it did not get; the session goes on. */
  | {
      readonly kind: 'denied';
      readonly peer: Peer;
      readonly session: number;
      readonly target: string;
      readonly what: string;
    }
  | {
      readonly kind: 'sessionEnded';
      readonly peer: Peer;
      readonly session: number;
      readonly target: string;
      readonly by: 'logout' | 'initiator' | 'target' | 'gateway';
      readonly failure?: Failure;
      /** All denials in this session; only the first ones have an event of their own. */
      readonly denials: number;
      readonly fromInitiator: Traffic;
      readonly fromTarget: Traffic;
    };

export type Observer = (event: GatewayEvent) => void;
