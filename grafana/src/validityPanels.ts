import * as units from '@grafana/grafana-foundation-sdk/units';
import { figures, rows } from './panels.ts';
import { GATEWAYS, min, series } from './promql.ts';

const DAY = 24 * 3600;

/** The runbook's alerts come at 14 and 3 days. */
const thresholds = [
  { value: null, color: 'red' },
  { value: 3 * DAY, color: 'orange' },
  { value: 14 * DAY, color: 'green' },
];

const left = (...more: string[]): string =>
  `${series('sangate_not_after_timestamp_seconds', GATEWAYS, ...more)} - time()`;

export const endsFirst = (width: number) =>
  figures({
    title: 'Until the first certificate or list ends',
    description:
      "Time until the first of the gateways' own certificates and revocation lists ends. Once one has, everybody is refused there. The Security dashboard has each of them.",
    unit: units.DurationSeconds,
    decimals: 0,
    width,
    thresholds,
    queries: [{ expr: min(left()), legend: 'Ends first' }],
  });

export const certificateLeft = (width: number) =>
  figures({
    title: 'Certificates last',
    description: "Time until the first of the gateways' own certificates ends.",
    unit: units.DurationSeconds,
    decimals: 0,
    width,
    thresholds,
    queries: [{ expr: min(left('what="certificate"')), legend: 'Certificate' }],
  });

export const revocationListLeft = (width: number) =>
  figures({
    title: 'Revocation lists last',
    description:
      'Time until the first revocation list (CRL) ends; an ended list refuses everybody. None: no listener has one.',
    unit: units.DurationSeconds,
    decimals: 0,
    width,
    thresholds,
    empty: 'no list',
    queries: [{ expr: min(left('what="crl"')), legend: 'CRL' }],
  });

export const everyValidity = (width: number) =>
  rows({
    title: 'Certificates and revocation lists',
    description:
      'How long each certificate and revocation list of each listener lasts. Negative: it has ended.',
    unit: units.DurationSeconds,
    width,
    thresholds,
    labels: { instance: 'Instance', listener: 'Listener', what: 'What' },
    columns: [{ name: 'Lasts', unit: units.DurationSeconds, decimals: 0 }],
    queries: [{ expr: min(left(), 'instance', 'listener', 'what'), legend: '' }],
  });
