import type { X509Certificate } from 'node:crypto';
import { Failure } from '../failures.ts';
import type { GatewayCredentials } from './credentials.ts';
import { describeCertificate } from './describe.ts';
import { KnownCertificate, KnownCertificates } from './knownCertificates.ts';
import type { PeerChain } from './peerChain.ts';

/** Of the credentials, what says who may come in. */
export type Trust = Pick<GatewayCredentials, 'authorities' | 'revocations'>;

/**
 * Holds a session that is up against credentials that were loaded since: throws the `Failure` with which a handshake with
 * this chain would now end. That is `unknown_ca` if no path of certificates that sign each other leads from the peer's own
 * through those it presented to a self-signed authority, else `revoked_cert`, `expired_cert`, or `bad_cert` if one is not
 * valid yet.
 *
 * In two cases a handshake is refused and a session goes on, for else a list that nobody renewed would stop all storage at
 * once: a CRL that has expired, whose entries still count, and an authority of which there is no CRL. And what the
 * handshake found that no reload changes is not looked at again: usages, name and length constraints.
 *
 * @param now milliseconds since 1970
 */
export function checkStanding(chain: PeerChain, trust: Trust, now: number): void {
  const { certificates, authorities } = knownOf(trust);
  const [leaf, ...presented] = chain.map((der) => certificates.get(der));
  if (leaf === undefined) throw new Failure('no_cert', 'the peer presented no certificate');
  const search = new PathSearch([...authorities, ...presented], trust, now);
  if (search.leadsToAuthority(leaf)) return;
  const who = describeCertificate(leaf.x509);
  throw search.fault ?? new Failure('unknown_ca', `no authority of the gateway stands behind it: ${who}`);
}

/** What was read and verified under these credentials. A reload makes other credentials, and so begins with nothing. */
interface Known {
  readonly certificates: KnownCertificates;
  readonly authorities: readonly KnownCertificate[];
}

const known = new WeakMap<Trust, Known>();

function knownOf(trust: Trust): Known {
  const there = known.get(trust);
  if (there !== undefined) return there;
  const authorities = trust.authorities.map((authority) => new KnownCertificate(authority));
  const made = { certificates: new KnownCertificates(), authorities };
  known.set(trust, made);
  return made;
}

/** One certificate after another up to an authority. Each is looked at once, so it ends, whatever was presented. */
class PathSearch {
  /** The first thing that made a path impossible, other than that it has no end. */
  fault: Failure | undefined;
  readonly #trust: Trust;
  readonly #now: number;
  readonly #issuers: readonly KnownCertificate[];
  readonly #anchors: ReadonlySet<string>;
  readonly #found = new Map<string, boolean>();

  constructor(issuers: readonly KnownCertificate[], trust: Trust, now: number) {
    this.#trust = trust;
    this.#now = now;
    this.#issuers = issuers;
    // As for OpenSSL, a path ends in a certificate that is its own issuer; others in the file are steps on the way.
    const anchors = trust.authorities.filter((authority) => authority.checkIssued(authority));
    this.#anchors = new Set(anchors.map(({ fingerprint256 }) => fingerprint256));
  }

  leadsToAuthority(certificate: KnownCertificate): boolean {
    const { fingerprint256 } = certificate.x509;
    const known = this.#found.get(fingerprint256);
    if (known !== undefined) return known;
    this.#found.set(fingerprint256, false); // for those that sign each other in a circle
    const leads = this.#isInDate(certificate) && this.#isVouchedFor(certificate);
    this.#found.set(fingerprint256, leads);
    return leads;
  }

  #isVouchedFor(certificate: KnownCertificate): boolean {
    const { x509 } = certificate;
    if (this.#anchors.has(x509.fingerprint256)) return !this.#isRevoked(x509, x509);
    return this.#issuers.some(
      (issuer) =>
        issuer.x509.ca &&
        certificate.isIssuedBy(issuer.x509) &&
        this.leadsToAuthority(issuer) &&
        // last: what is remembered of a CRL is then about true authorities alone
        !this.#isRevoked(x509, issuer.x509),
    );
  }

  #isInDate({ x509, notBefore, notAfter }: KnownCertificate): boolean {
    if (!(this.#now >= notBefore))
      return this.#refuse('bad_cert', `not valid before ${x509.validFrom}`, x509);
    if (!(this.#now < notAfter)) return this.#refuse('expired_cert', `expired at ${x509.validTo}`, x509);
    return true;
  }

  #isRevoked(certificate: X509Certificate, issuer: X509Certificate): boolean {
    const revoked = this.#trust.revocations?.some((crl) => crl.lists(certificate) && crl.isSignedBy(issuer));
    if (revoked) this.#refuse('revoked_cert', 'revoked by its authority', certificate);
    return revoked ?? false;
  }

  #refuse(reason: 'bad_cert' | 'expired_cert' | 'revoked_cert', what: string, of: X509Certificate): false {
    this.fault ??= new Failure(reason, `${what}: ${describeCertificate(of)}`);
    return false;
  }
}
