import { describeWire, type Failure } from '../failures.ts';
import { EventLimit } from '../telemetry/eventLimit.ts';
import type { GatewayEvent, Observer, Peer, RevocationListInForce } from '../telemetry/events.ts';
import type { AuditTrail } from './auditTrail.ts';
import type { AuditEntry } from './entry.ts';

/** Writes what happens in the gateway into the trail, within limits; the next line of a kind tells how many were left out. */
export function auditEvents(trail: Pick<AuditTrail, 'write'>): Observer {
  const limit = new EventLimit();
  return (event) => {
    const suppressed = limit.take(event);
    if (suppressed === undefined) return;
    for (const entry of entriesOf(event)) {
      trail.write(suppressed === 0 ? entry : { ...entry, own: { ...entry.own, suppressed } });
    }
  };
}

/** One line or none: a tunnel that opens is told by its login, and one that no initiator has used by nothing. */
function entriesOf(event: GatewayEvent): readonly AuditEntry[] {
  switch (event.kind) {
    case 'refused': {
      const { peer, failure, suppressed } = event;
      const entry = of('connection', peer, failure);
      return [suppressed === 0 ? entry : { ...entry, own: { ...entry.own, suppressed } }];
    }
    case 'handshake':
      return event.failure === undefined ? [] : [of('tls-handshake', event.peer, event.failure)];
    case 'unused':
      return [];
    case 'login': {
      const { peer, failure, rule, kind: _, ...own } = event;
      const entry = of('login', peer, failure);
      return [{ ...entry, ...ruleOf(rule), own: { ...entry.own, ...own } }];
    }
    case 'discovery': {
      const { peer, shown, failure } = event;
      const message = failure?.message ?? `${shown} targets were shown`;
      return [{ ...of('discovery', peer, failure), message }];
    }
    case 'duplicate': {
      const { peer, other, isRefused } = event;
      const { sha256, serial } = peer;
      const entry = of('duplicate-initiator', peer);
      const own = { ...entry.own, ...(sha256 && { sha256 }), ...(serial && { serial }), other };
      const message = `the same initiator name is there already, from ${other.address} with the certificate of serial number ${other.serial}`;
      return [{ ...entry, outcome: isRefused ? 'failure' : 'success', message, own }];
    }
    case 'denied': {
      const { peer, rule, denial, enforced, what, lun, suppressed: __, kind: _, ...own } = event;
      const entry = of('command-denied', peer);
      return [
        {
          ...entry,
          outcome: enforced ? 'failure' : 'success',
          reason: denial,
          message: what,
          ...ruleOf(rule),
          own: { ...entry.own, ...own, enforced, ...(lun !== undefined && { lun: String(lun) }) },
        },
      ];
    }
    case 'notable': {
      const { peer, rule, lun, suppressed: __, kind: _, ...own } = event;
      const entry = of('command-passed', peer);
      return [{ ...entry, ...ruleOf(rule), own: { ...entry.own, ...own, lun: String(lun) } }];
    }
    case 'sessionEnded': {
      const { peer, failure, session, target, by, denials, suppressed } = event;
      const entry = of(failure?.reason === 'killed' ? 'session-kill' : 'session-end', peer, failure);
      const traffic = { fromInitiator: event.fromInitiator.bytes, fromTarget: event.fromTarget.bytes };
      return [{ ...entry, own: { ...entry.own, session, target, by, denials, suppressed, ...traffic } }];
    }
    case 'reload': {
      const { causes, kept, ended, lists = [], problem } = event;
      const because = causes.length > 0 ? `${causes.join(', ')}: ` : '';
      const message =
        problem ??
        [`${kept} sessions go on, ${ended} are not admitted any more`, ...lists.map(listText)].join('; ');
      return [
        {
          action: 'configuration-reload',
          outcome: problem === undefined ? 'success' : 'failure',
          message: because + message,
        },
      ];
    }
    case 'workerStarted':
      return [];
    case 'workerLost': {
      const { worker, pid, how, sessions, connections } = event;
      const message = `worker ${worker} (process ${pid}) ended by itself (${how}), with ${connections} connections, ${sessions} of them sessions`;
      return [{ action: 'worker-lost', outcome: 'failure', reason: 'worker_lost', message }];
    }
    case 'drain': {
      const message = `${event.sessions} sessions are asked to log out, and have ${event.seconds} s`;
      return [{ action: 'gateway-drain', outcome: 'success', message }];
    }
  }
}

function listText({ listener, number, entries, fewer = 0 }: RevocationListInForce): string {
  const which = number === undefined ? 'revocation list' : `revocation list ${number}`;
  return `${which} of ${listener} has ${entries} entries${fewer > 0 ? `, and ${fewer} of the list before no more` : ''}`;
}

function of(action: AuditEntry['action'], peer: Peer, failure?: Failure): AuditEntry {
  const { address, certificate, initiatorName } = peer;
  return {
    action,
    outcome: failure === undefined ? 'success' : 'failure',
    ...(failure && { reason: failure.reason, message: failure.message }),
    sourceIp: address,
    ...(initiatorName !== undefined && { user: initiatorName }),
    own: {
      ...(certificate !== undefined && { certificate }),
      ...(failure && {
        told: describeWire(failure.wire),
      }),
    },
  };
}

/** `db1 at config/gateway.yaml:12:3` in its two parts. */
function ruleOf(rule: string | undefined): Pick<AuditEntry, 'rule'> {
  if (rule === undefined) return {};
  const at = rule.indexOf(' at ');
  return { rule: at < 0 ? { name: rule } : { name: rule.slice(0, at), reference: rule.slice(at + 4) } };
}
