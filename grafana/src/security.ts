import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, UIDS } from './frame.ts';
import { figures, lines, rows } from './panels.ts';
import { GATEWAYS, inShownTime, min, perMinute, series, sum } from './promql.ts';
import { denials } from './troublePanels.ts';
import { certificateLeft, everyValidity, revocationListLeft } from './validityPanels.ts';
import { OK_OR_NOT } from './verdicts.ts';

export const security = () =>
  frame({
    uid: UIDS.security,
    title: 'sangate: Security',
    description:
      'Who came, who was refused and why, what is about to end, and whether the audit trail is whole.',
    sections: [
      {
        title: 'Now',
        panels: [certificateLeft(6), revocationListLeft(6), auditHealth, auditLinesLost, everyValidity(24)],
      },
      {
        title: 'Tunnels (TLS)',
        panels: [handshakes, tunnelsRefused, connectionsRefused, unauthenticated, waiting, unused],
      },
      { title: 'Logins', panels: [logins, loginsDenied, refusedInShownTime] },
      { title: 'Rules', panels: [accessDenied, denials(GATEWAYS), denialsByInitiator, duplicates] },
      { title: 'Audit trail', panels: [auditLines] },
    ],
  });

const auditHealth = figures({
  title: 'Audit trail',
  description:
    'Whether the audit trail can be written. If not, I/O goes on and lines are lost: runbook, SangateAuditNotHealthy.',
  unit: units.BoolYesNo,
  width: 6,
  empty: 'not configured',
  mappings: [OK_OR_NOT],
  queries: [{ expr: min(series('sangate_audit_healthy', GATEWAYS)), legend: 'Audit' }],
});

const auditLinesLost = figures({
  title: 'Audit lines lost',
  description:
    'Lines that could not be written in the shown time; when writing works again, a line of the trail says how many. Damage: how often somebody else was found to have changed the trail: runbook, SangateAuditDamaged.',
  unit: units.Short,
  decimals: 0,
  width: 6,
  empty: 'not configured',
  thresholds: [
    { value: null, color: 'green' },
    { value: 1, color: 'red' },
  ],
  queries: [
    { expr: sum(inShownTime('sangate_audit_lines_lost_total', GATEWAYS)), legend: 'Lost' },
    { expr: sum(inShownTime('sangate_audit_damaged_total', GATEWAYS)), legend: 'Damage' },
  ],
});

const handshakes = lines({
  title: 'TLS handshakes',
  description: 'Handshakes that gave a tunnel, and those that were refused, a minute.',
  unit: 'cpm',
  width: 12,
  queries: [
    { expr: perMinute('sangate_tls_handshakes_total', GATEWAYS, [], 'reason="ok"'), legend: 'ok' },
    { expr: perMinute('sangate_tls_handshakes_total', GATEWAYS, [], 'reason!="ok"'), legend: 'refused' },
  ],
});

const tunnelsRefused = lines({
  title: 'Tunnels refused, by reason',
  description:
    'Why TLS handshakes were refused, a minute. revoked_cert: somebody uses a certificate that was taken from them.',
  unit: 'cpm',
  width: 12,
  empty: 'none',
  queries: [
    {
      expr: `${perMinute('sangate_tls_handshakes_total', GATEWAYS, ['reason'], 'reason!="ok"')} > 0`,
      legend: '{{reason}}',
    },
  ],
});

const connectionsRefused = lines({
  title: 'Connections refused before TLS',
  description:
    'Connections above the limits of those that have not authenticated, a minute: a flood, or limits that are too low.',
  unit: 'cpm',
  width: 12,
  queries: [
    { expr: perMinute('sangate_connections_refused_total', GATEWAYS, ['instance']), legend: '{{instance}}' },
  ],
});

const unauthenticated = lines({
  title: 'Connections not authenticated yet',
  description:
    'Connections in handshake or login, at the moments when Prometheus asked. The configuration limits them.',
  unit: units.Short,
  width: 12,
  queries: [
    {
      expr: sum(series('sangate_connections_unauthenticated', GATEWAYS), 'instance'),
      legend: '{{instance}}',
    },
  ],
});

const waiting = lines({
  title: 'Tunnels waiting',
  description:
    'Tunnels that stubs have dialled ahead, at the moments when Prometheus asked: they wait for their initiator, or it is in its login. The configuration limits them (limits.waiting).',
  unit: units.Short,
  width: 12,
  queries: [{ expr: sum(series('sangate_tunnels_waiting', GATEWAYS), 'instance'), legend: '{{instance}}' }],
});

const unused = lines({
  title: 'Tunnels dialled ahead for nothing',
  description:
    'Tunnels that found no place to wait, and those that ended before an initiator came, by reason, a minute. peer_closed: the stub has renewed it, as it does every four minutes. login_timeout: limits.waitingSeconds was over.',
  unit: 'cpm',
  width: 12,
  queries: [
    { expr: perMinute('sangate_tunnels_turned_away_total', GATEWAYS, []), legend: 'no place to wait' },
    { expr: perMinute('sangate_tunnels_unused_total', GATEWAYS, ['reason']), legend: 'unused: {{reason}}' },
  ],
});

const logins = lines({
  title: 'Logins',
  description: 'Logins allowed and denied, a minute.',
  unit: 'cpm',
  width: 12,
  queries: [{ expr: perMinute('sangate_logins_total', GATEWAYS, ['result']), legend: '{{result}}' }],
});

const loginsDenied = lines({
  title: 'Logins denied, by reason',
  description: "Why logins were denied, a minute. README's table says what each reason means and what to do.",
  unit: 'cpm',
  width: 12,
  empty: 'none',
  queries: [
    {
      expr: `${perMinute('sangate_logins_total', GATEWAYS, ['reason'], 'result="denied"')} > 0`,
      legend: '{{reason}}',
    },
  ],
});

const refusedInShownTime = rows({
  title: 'Refused in the shown time, by reason',
  description:
    'All refusals of tunnels and logins in the time that the dashboard shows. Reasons that did not occur have no row.',
  unit: units.Short,
  width: 24,
  height: 6,
  empty: 'none',
  labels: { reason: 'Reason' },
  columns: [
    { name: 'Tunnels', unit: units.Short, decimals: 0 },
    { name: 'Logins', unit: units.Short, decimals: 0 },
  ],
  queries: [
    {
      expr: `${sum(inShownTime('sangate_tls_handshakes_total', GATEWAYS, 'reason!="ok"'), 'reason')} > 0`,
      legend: '',
    },
    {
      expr: `${sum(inShownTime('sangate_logins_total', GATEWAYS, 'result="denied"'), 'reason')} > 0`,
      legend: '',
    },
  ],
});

const accessDenied = lines({
  title: 'Access to targets',
  description: 'What the access rules decided at login, a minute, for each initiator.',
  unit: 'cpm',
  width: 12,
  queries: [
    {
      expr: perMinute('sangate_acl_decisions_total', GATEWAYS, ['initiator', 'decision']),
      legend: '{{initiator}}: {{decision}}',
    },
  ],
});

const denialsByInitiator = lines({
  title: 'Denials in sessions, by initiator',
  description:
    'Commands and text that rules refused, a minute, for each initiator; those of rules in shadow are left out.',
  unit: 'cpm',
  width: 12,
  empty: 'none',
  queries: [
    {
      expr: `${perMinute('sangate_denials_total', GATEWAYS, ['initiator'], 'enforced="true"')} > 0`,
      legend: '{{initiator}}',
    },
  ],
});

const duplicates = lines({
  title: 'Duplicate initiators',
  description:
    'Logins with the name of an initiator that is there already, with another certificate or from another address, a minute. Two hosts that both think that a disk is theirs destroy it.',
  unit: 'cpm',
  width: 12,
  queries: [
    { expr: perMinute('sangate_duplicate_initiators_total', GATEWAYS, ['result']), legend: '{{result}}' },
  ],
});

const auditLines = lines({
  title: 'Audit lines',
  description: 'Lines written to the audit trail, and lines lost, a minute.',
  unit: 'cpm',
  width: 24,
  empty: 'not configured',
  queries: [
    { expr: perMinute('sangate_audit_lines_total', GATEWAYS, []), legend: 'written' },
    { expr: perMinute('sangate_audit_lines_lost_total', GATEWAYS, []), legend: 'lost' },
  ],
});
