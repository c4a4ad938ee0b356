import { DANGEROUS_COMMANDS } from '../scsi/commandClass.ts';
import type { ChapRequirement } from './chapRequirement.ts';

/** Addresses that a rule admits. Built by src/config on net.BlockList, which knows IPv4, IPv6 and mapped forms. */
export interface AddressSet {
  contains(address: string): boolean;
  /** As the user wrote it, e.g. `203.0.113.0/24, 2001:db8::/48`. */
  toString(): string;
  /** One of them, to try a rule with; empty if there is none. */
  readonly example: string;
}

/** One property that the peer's certificate must have, whole and exact. */
export type CertificateMatch =
  | { readonly kind: 'uri'; readonly value: string }
  | { readonly kind: 'dns'; readonly value: string }
  | { readonly kind: 'cn'; readonly value: string }
  | { readonly kind: 'sha256'; readonly value: string };

/** Where a rule stands in the user's file: `config/gateway.yaml:17:5`. */
export type RuleLocation = string;

export type AccessMode = 'read-write' | 'read-only';

/** What an access rule can allow beyond its mode. */
export const PERMISSIONS = [...DANGEROUS_COMMANDS, 'target-reset', 'reservations'] as const;

export type Permission = (typeof PERMISSIONS)[number];

export interface AccessRule {
  /** A target name, exact or with `*` for any run of characters; lower case. */
  readonly target: string;
  /** Logical units that are there for this initiator; absent: all. */
  readonly luns?: readonly number[];
  readonly mode: AccessMode;
  readonly allow: readonly Permission[];
  readonly location: RuleLocation;
}

export interface InitiatorRule {
  /** The key under `initiators:`, e.g. `db1`. */
  readonly id: string;
  /** Normalised initiator name (iqn., eui. or naa.). */
  readonly iqn: string;
  readonly certificate: CertificateMatch;
  readonly from: AddressSet;
  /** Absent: the certificate alone authenticates, and the login may skip the security stage. */
  readonly chap?: ChapRequirement;
  /** Several hosts share the name: it may come from several certificates or addresses at once. */
  readonly cluster: boolean;
  /** Normal sessions that it may have at once, and as many for discovery. */
  readonly maxSessions: number;
  /**
   * What `access` would deny is told and passes: targets that no entry covers, and refused commands in a session. Dangers, which no entry
   * allows that does not name them, are refused all the same.
   */
  readonly shadow: boolean;
  readonly access: readonly AccessRule[];
  readonly location: RuleLocation;
}

/** `db1 at config/gateway.yaml:12:3`: who decided, and where it stands. */
export function describeRule(
  { id, location }: Pick<InitiatorRule, 'id' | 'location'>,
  access?: Pick<AccessRule, 'location'>,
): string {
  return `${id} at ${access?.location ?? location}`;
}
