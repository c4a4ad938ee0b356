import { expect, test } from 'vitest';
import { html } from '../../../../src/admin/page/html.ts';

test('text is escaped, in an attribute as well', () => {
  const hostile = `"><script>alert('x')</script>&`;
  expect(html`<b title="${hostile}">${hostile}</b>`.toString()).toBe(
    `<b title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">` +
      `&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</b>`,
  );
});

test('markup is not escaped again, nor a list of it', () => {
  expect(html`<p>${html`<i>${'<'}</i>`}${[html`1`, html`2`]}</p>`.toString()).toBe('<p><i>&lt;</i>12</p>');
});

test.each([{ toString: () => '<script>' }, ['<script>']])(
  'what only looks like markup does not pass: %j',
  (forged) => {
    expect(() => html`${forged as never}`).toThrow(TypeError);
  },
);

test('nothing is left of undefined, and 0 is 0', () => {
  expect(html`[${undefined}][${0}]`.toString()).toBe('[][0]');
});

test('characters that turn text around or have no glyph are replaced', () => {
  expect(html`${'a\u202eb\u0000c\nd\u2028e\ud800f'}`.toString()).toBe(
    'a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f',
  );
});
