import { MappingType, type ValueMap } from '@grafana/grafana-foundation-sdk/dashboard';

const verdict = (good: string, bad: string): ValueMap => ({
  type: MappingType.ValueToText,
  options: {
    1: { text: good, color: 'green', index: 0 },
    0: { text: bad, color: 'red', index: 1 },
  },
});

export const OK_OR_NOT = verdict('ok', 'NOT OK');
export const UP_OR_DOWN = verdict('up', 'DOWN');
export const READY_OR_NOT = verdict('ready', 'NOT READY');
export const LOADED_OR_NOT = verdict('loaded', 'FAILED');
