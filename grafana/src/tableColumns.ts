import type { DataTransformerConfig, DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';

/** A column of figures. */
export interface Column {
  readonly name: string;
  readonly unit: string;
  readonly decimals?: number;
}

interface Columns {
  readonly transformations: DataTransformerConfig[];
  readonly overrides: { readonly name: string; readonly properties: DynamicConfigValue[] }[];
}

/**
 * Joins the answers of several queries into one table: labels first, then a column a query, without their times.
 *
 * @param labels the heading of each label that is shown
 */
export function valueColumns(labels: Readonly<Record<string, string>>, columns: readonly Column[]): Columns {
  // With one query Grafana calls its column `Value`, with more of them `Value #A` and so on.
  const raw = (index: number): string =>
    columns.length === 1 ? 'Value' : `Value #${String.fromCodePoint('A'.codePointAt(0)! + index)}`;
  const renameByName = {
    ...labels,
    ...Object.fromEntries(columns.map(({ name }, i) => [raw(i), name])),
  };
  const indexByName = Object.fromEntries(Object.keys(renameByName).map((name, i) => [name, i]));
  return {
    transformations: [
      { id: 'merge', options: {} },
      { id: 'organize', options: { excludeByName: { Time: true }, indexByName, renameByName } },
    ],
    overrides: columns.map(({ name, unit, decimals }) => ({
      name,
      properties: [
        { id: 'unit', value: unit },
        ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
      ],
    })),
  };
}
