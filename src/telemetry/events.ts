import type { DenialKind } from '../accounting/nexus.ts';
import type { Failure } from '../failures.ts';

/** Who is on the other end, as far as it is known. */
export interface Peer {
  /** Remote address of the tunnel. */
  readonly address: string;
  /** Shortest name that the certificate carries: a URI, a DNS name, the CN or the fingerprint. */
  readonly certificate?: string;
  /** Its SHA-256 fingerprint, 64 lower-case hex digits. */
  readonly sha256?: string;
  /** Its serial number, hex, as a CRL lists it. */
  readonly serial?: string;
  readonly initiatorName?: string;
}

export interface Traffic {
  readonly pdus: number;
  readonly bytes: number;
}

/** A listener's revocation list, one for each authority that has one. */
export interface RevocationListInForce {
  readonly listener: string;
  /** Decimal; lists of the oldest kind have none. */
  readonly number?: string;
  readonly entries: number;
  /** Entries of the list before that it has no more. */
  readonly fewer?: number;
}

/** What happens, in typed events; log, metrics, status and audit trail each subscribe. Nothing here can hold a secret. */
export type GatewayEvent =
  /** `suppressed` connections were refused for the same reason since the last such event: a flood is one line a second. */
  | { readonly kind: 'refused'; readonly peer: Peer; readonly failure: Failure; readonly suppressed: number }
  | { readonly kind: 'handshake'; readonly failure?: Failure; readonly peer: Peer }
  /** A tunnel that a stub dialled ahead has ended, and no initiator ever spoke through it. */
  | { readonly kind: 'unused'; readonly peer: Peer; readonly failure: Failure }
  /** Each login ends in exactly one. Without `failure` it was allowed. */
  | {
      readonly kind: 'login';
      readonly peer: Peer;
      readonly sessionType?: 'Normal' | 'Discovery';
      readonly target?: string;
      /** `db1 at config/gateway.yaml:12:3`: the rule that decided. */
      readonly rule?: string;
      /** Why the target would be denied, were its rule not in shadow. */
      readonly shadow?: string;
      readonly backend?: string;
      readonly portal?: string;
      readonly session?: number;
      readonly failure?: Failure;
    }
  /** An initiator name that is there already, with another certificate or from another address. */
  | {
      readonly kind: 'duplicate';
      readonly peer: Peer;
      readonly other: { readonly address: string; readonly sha256: string; readonly serial: string };
      readonly isRefused: boolean;
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
      /** As in a login. */
      readonly rule: string;
      readonly denial: DenialKind;
      /** False in shadow: it has gone on to the target. */
      readonly enforced: boolean;
      readonly what: string;
      /** Of a SCSI command. */
      readonly operationCode?: number;
      /** Of a task management request. */
      readonly taskFunction?: number;
      /** Canonical; of a form that is refused, its 8 bytes in hex. */
      readonly lun?: number | string;
      /** How many like it were left out before this one: of equals so many a second are told. */
      readonly suppressed: number;
    }
  /** A command that is not everyday has gone on to the target: a reservation, a setting, a danger that was allowed. */
  | {
      readonly kind: 'notable';
      readonly peer: Peer;
      readonly session: number;
      readonly target: string;
      /** As in a login. */
      readonly rule: string;
      /** `reserve`, `configure`, or the name under `allow`. */
      readonly effect: string;
      readonly operationCode: number;
      /** Canonical; of a form that is refused, its 8 bytes in hex. */
      readonly lun: number | string;
      /** How many more of this effect were left out before this one, in a flood. */
      readonly suppressed: number;
    }
  | {
      readonly kind: 'sessionEnded';
      readonly peer: Peer;
      readonly session: number;
      readonly target: string;
      readonly by: 'logout' | 'initiator' | 'target' | 'gateway';
      readonly failure?: Failure;
      /** All denials in this session. */
      readonly denials: number;
      /** Denials and commands of note that have no event of their own. */
      readonly suppressed: number;
      readonly fromInitiator: Traffic;
      readonly fromTarget: Traffic;
    }
  /** Settings were read again. With `problem` everything is as it was. */
  | {
      readonly kind: 'reload';
      /** `SIGHUP`, and the files that have changed. */
      readonly causes: readonly string[];
      /** Sessions that go on, and those that are not admitted any more. */
      readonly kept?: number;
      readonly ended?: number;
      /** What holds now. */
      readonly lists?: readonly RevocationListInForce[];
      readonly problem?: string;
    }
  /** A worker takes connections: one of the first, or in the place of one that was lost. */
  | { readonly kind: 'workerStarted'; readonly worker: number; readonly pid: number }
  /** It ended without having been told to. Each of its sessions has a `sessionEnded` of its own. */
  | {
      readonly kind: 'workerLost';
      readonly worker: number;
      readonly pid: number;
      /** `SIGKILL`, `exit code 1`, and what control held against it. */
      readonly how: string;
      readonly sessions: number;
      /** Those, and what was in handshake, login or discovery. */
      readonly connections: number;
      /** When the next one is started in its place. */
      readonly restartSeconds: number;
    }
  /** The gateway is to stop, and waits for the sessions that there are. */
  | { readonly kind: 'drain'; readonly sessions: number; readonly seconds: number };

export type Observer = (event: GatewayEvent) => void;
