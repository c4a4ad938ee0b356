import type { Traffic } from './events.ts';

/** One session in full feature phase as the operator is told about it: `GET /sessions`, `sangate sessions --json`. */
export interface SessionSummary {
  /** Unique as long as the gateway runs. */
  readonly id: number;
  /** Normalised InitiatorName. */
  readonly initiator: string;
  /** `db1 at config/gateway.yaml:12:3` */
  readonly rule: string;
  /** Shortest name that the certificate carries: a URI, a DNS name, the CN or the fingerprint. */
  readonly certificate: string;
  /** Its SHA-256 fingerprint, 64 lower-case hex digits. */
  readonly sha256: string;
  /** Its serial number, hex, as a CRL lists it. */
  readonly serial: string;
  /** The tunnel's remote IP address. */
  readonly address: string;
  readonly target: string;
  readonly backend: string;
  /** `10.0.0.5:3260`, where the array took the login. */
  readonly portal: string;
  /** When login ended, ISO 8601 in UTC. */
  readonly since: string;
  /** SCSI commands so far. */
  readonly commands: number;
  /** Requests that were refused inside the session, or passed and would be refused if its rule were not in shadow. */
  readonly denials: number;
  readonly fromInitiator: Traffic;
  readonly fromTarget: Traffic;
}
