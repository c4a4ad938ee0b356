import { z } from 'zod';
import type { Traffic } from './events.ts';
import { traffic } from './figuresSchema.ts';

/** One session in full feature phase as the operator is told about it: `GET /sessions`, `sangate sessions --json`. */
export interface SessionSummary {
  /** Unique as long as the gateway runs. */
  readonly id: number;
  /** That carries it, from 1; absent: there is one process. */
  readonly worker?: number;
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

/** Names hold what a peer and an array wrote: they are printed by way of printable.ts alone. */
export const sessionSummary = z.object({
  id: z.int().positive(),
  worker: z.int().positive().exactOptional(),
  initiator: z.string(),
  rule: z.string(),
  certificate: z.string(),
  sha256: z.string(),
  serial: z.string(),
  address: z.string(),
  target: z.string(),
  backend: z.string(),
  portal: z.string(),
  since: z.iso.datetime(),
  commands: z.number(),
  denials: z.number(),
  fromInitiator: traffic,
  fromTarget: traffic,
}) satisfies z.ZodType<SessionSummary>;
