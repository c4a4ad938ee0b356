export interface AltName {
  /** As Node prints it: `DNS`, `URI`, `IP Address`, `DirName`, `othername` … */
  readonly type: string;
  readonly value: string;
}

/**
 * Parses `X509Certificate.subjectAltName`. Node joins the names with `, ` and writes a value that could be
 * taken for more than one name (comma, quote, backslash, control character) as a JSON string, so a value
 * without quotes never holds those characters. Throws on anything else: what is ambiguous is nobody's identity.
 */
export function parseSubjectAltName(text: string): AltName[] {
  const names: AltName[] = [];
  const entry = new RegExp(ENTRY, 'uy');
  while (entry.lastIndex < text.length) {
    const match = entry.exec(text);
    if (!match) throw new Error('subjectAltName does not have the form that Node documents');
    const [, type, quoted, plain] = match;
    names.push({ type: type!, value: quoted === undefined ? plain! : (JSON.parse(quoted) as string) });
  }
  return names;
}

/** `type:value`, then `, ` with another name behind it, or the end. */
const ENTRY = String.raw`([A-Za-z0-9][A-Za-z0-9 .-]*):(?:("(?:[^"\\\p{Cc}]|\\["\\]|\\u[0-9a-f]{4})*")|([^"\\,'\p{Cc}]*))(?:, (?=.)|$)`;
