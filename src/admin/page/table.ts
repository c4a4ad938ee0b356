import { html, type Html, type Value } from './html.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Value;
  /** Text is at the left, figures at the right. */
  readonly isFigure?: true;
}

export interface TableOptions<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Those beyond are only counted. */
  readonly max: number;
  /** In the place of a table without rows. */
  readonly none: string;
}

/** On a phone each row is a card, with the columns' titles in it; the roles say that it is a table all the same. */
export function table<Row>({ columns, rows, max, none }: TableOptions<Row>): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  const beyond = rows.length - max;
  return html`<table role="table">
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(({ title, isFigure }) => html`<th role="columnheader" scope="col" class="${kind(isFigure)}">${title}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.slice(0, max).map(
          (row) =>
            html`<tr role="row">
              ${columns.map(
                ({ title, cell, isFigure }) =>
                  html`<td role="cell" class="${kind(isFigure)}" data-label="${title}">${cell(row)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
    ${beyond > 0 ? html`<p class="none">and ${beyond} more, which <code>/status.json</code> has</p>` : undefined}`;
}

const kind = (isFigure: true | undefined): string => (isFigure ? 'figure' : 'text');

/** A name from elsewhere: may be long, and run the other way. */
export const name = (text: string): Html => html`<bdi class="name">${text}</bdi>`;

/** A state, in words and in colour. */
export const pill = (state: 'good' | 'warning' | 'bad', text: string): Html =>
  html`<span class="pill ${state}">${text}</span>`;
