import { z } from 'zod';
import { CHAP_ALGORITHMS } from '../policy/chapRequirement.ts';
import { parseAddressRange } from './addressSet.ts';
import { parseAdminAddress } from './adminAddress.ts';
import { CERTIFICATE_PROPERTIES } from './certificateMatch.ts';
import { parsePortal, type PortalOptions } from './portal.ts';
import { ValueError } from './problem.ts';
import { parseServerName } from './serverName.ts';
import { parseName, parseTargetPattern } from './targetPattern.ts';

export const MAX_WORKERS = 64;

/**
 * The values that configurations are made of. Descriptions and examples become docs/configuration.md, the JSON
 * Schema for editors and the hints in error messages.
 */

export const portal = (options: PortalOptions) => parsed((text) => parsePortal(text, options));

export const addressRange = parsed(parseAddressRange).meta({ examples: ['203.0.113.0/24'] });

export const iscsiName = parsed(parseName).meta({ examples: ['iqn.1993-08.org.debian:01:db1'] });

export const targetPattern = parsed(parseTargetPattern).meta({
  examples: ['iqn.2001-05.com.equallogic:*-db1-*'],
});

export const filePath = parsed((text) => {
  if (text !== '' && !text.includes('\0')) return text;
  throw new ValueError(
    'this is not a path',
    'write the path of a file, from the folder of this configuration file',
  );
});

/** Entries by a name that becomes a word in the log; crossChecks.ts refuses other names. */
export const byName = <T extends z.ZodType>(entry: T) =>
  z.record(z.string(), entry).meta({ propertyNames: { pattern: ENTRY_NAME.source } });

export const ENTRY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const seconds = (byDefault: number) => z.int().min(1).max(600).default(byDefault);

export const serverName = parsed(parseServerName);

/** @param more what is served there besides metrics and health */
export const admin = (address: string, more = '') =>
  z.union([
    z.literal(false),
    z.strictObject({
      address: adminAddress(Number(address.split(':').at(-1)))
        .prefault(address)
        .meta({
          description: `Where \`/metrics\`, \`/healthz\` and \`/readyz\` are served: \`host:port\`, or \`unix:\` and the path of a socket, which its owner and group may use. Without \`tls\` there is no authentication: keep strangers away.${more}`,
          examples: [address, 'unix:/run/sangate/admin.sock'],
        }),
      tls: z
        .strictObject({
          cert: filePath.meta({
            description: 'Certificate of this listener, for servers, PEM, with its intermediates.',
            examples: ['../certs/gateway.crt'],
          }),
          key: filePath.meta({ description: 'Its private key, PEM.', examples: ['../certs/gateway.key'] }),
          clientCa: filePath.meta({
            description:
              'The CA of operators, PEM: whoever has a client certificate of it is served. The CA of initiators is refused here.',
            examples: ['../certs/operators-ca.crt'],
          }),
          crl: filePath.optional().meta({
            description: 'Its revocation list, PEM. An expired list refuses everybody.',
            examples: ['../certs/operators-ca.crl'],
          }),
        })
        .optional()
        .meta({ description: 'TLS 1.3 with client certificates, for everything that is served there.' }),
    }),
  ]);

export const watch = z.boolean().default(true).meta({
  description: 'Reload when this file, or a file that it names, changes. SIGHUP reloads in any case.',
});

/** Where the connections are worked on: this process alone, or so many of its own. */
export const workers = z
  .union([z.literal('auto'), z.int().min(1).max(MAX_WORKERS)])
  .default(1)
  .meta({
    description:
      'Processes that carry the connections, each of which can use a core: a number, or `auto` for as many as there are cores, 64 at most. With 1, which is the default, there is no other process. One connection is never spread over several. Holds from the start.',
    examples: ['auto', 4],
  });

export const adminAddress = (defaultPort: number) =>
  parsed((text) => parseAdminAddress(text, { defaultPort, purpose: 'listen' }));

export const log = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'The least important lines that are still written.' }),
  })
  .prefault({})
  .meta({ description: 'The log on standard error.' });

/** Exactly one of `file` and `env`. Its error messages never show what was written. */
export const secretReference = z
  .strictObject(
    {
      file: filePath.optional().meta({
        description:
          'A file that holds the secret and nothing else; only its owner, or its owner and group, may read it.',
      }),
      env: parsed((text) => {
        if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
        throw new ValueError(
          'this is not the name of an environment variable',
          'write its name without $: { env: ARRAY1_SECRET }',
        );
      })
        .optional()
        .meta({ description: 'The name of an environment variable that holds the secret.' }),
    },
    {
      error: ({ code, input }) =>
        code === 'invalid_type' && input !== undefined
          ? 'a secret is never written in the configuration itself'
          : undefined,
    },
  )
  .meta({
    description: 'Where the CHAP secret is kept: exactly one of the two keys.',
    examples: [{ file: 'secrets/db1' }, { env: 'DB1_SECRET' }],
    oneOf: [{ required: ['file'] }, { required: ['env'] }],
  })
  .transform(({ file, env }, context) => {
    if (file !== undefined && env === undefined) return { file };
    if (env !== undefined && file === undefined) return { env };
    const message = file === undefined ? 'says neither file nor env' : 'says both file and env';
    return refuse(context, new ValueError(message, 'write { file: path } or { env: NAME }'));
  });

const chapUser = parsed((text) => {
  if (/^[^\p{Cc}]+$/u.test(text) && Buffer.byteLength(text) <= 255) return text;
  throw new ValueError('this is not a CHAP user', 'write 1 to 255 bytes without control characters');
});

export const chap = (proves: string, provesInReturn: string) =>
  z.strictObject({
    user: chapUser.meta({ description: `CHAP_N with which ${proves}.`, examples: ['db1'] }),
    secret: secretReference,
    algorithms: z
      .array(z.enum(CHAP_ALGORITHMS))
      .min(1)
      .default([...CHAP_ALGORITHMS])
      .meta({ description: 'Digests that are allowed, the preferred one first.' }),
    mutual: z
      .strictObject({
        user: chapUser.meta({ description: `CHAP_N with which ${provesInReturn}.`, examples: ['gateway'] }),
        secret: secretReference,
      })
      .optional()
      .meta({
        description: `Mutual CHAP: ${provesInReturn} too. Its secret must differ from the other one.`,
      }),
  });

/** Exactly one property of the certificate. */
export const certificate = z
  .strictObject(
    {
      uri: parsed(CERTIFICATE_PROPERTIES.uri)
        .optional()
        .meta({
          description: 'A subjectAltName of type URI, as it stands there.',
          examples: ['spiffe://example.org/db1'],
        }),
      dns: parsed(CERTIFICATE_PROPERTIES.dns)
        .optional()
        .meta({
          description: 'A subjectAltName of type DNS; upper and lower case are one.',
          examples: ['db1.example.org'],
        }),
      cn: parsed(CERTIFICATE_PROPERTIES.cn)
        .optional()
        .meta({ description: "The subject's common name, when it has exactly one.", examples: ['db1'] }),
      sha256: parsed(CERTIFICATE_PROPERTIES.sha256).optional().meta({
        description: 'The fingerprint of the whole certificate: 64 hex digits, with or without colons.',
      }),
    },
    {
      error: ({ input }) =>
        input === undefined
          ? 'there is no certificate: an initiator can call itself by any name, only its certificate proves who it is'
          : undefined,
    },
  )
  .meta({
    description: 'What the TLS client certificate must have: exactly one of the keys, compared whole.',
    examples: [{ uri: 'spiffe://example.org/db1' }],
    oneOf: Object.keys(CERTIFICATE_PROPERTIES).map((kind) => ({ required: [kind] })),
  })
  .transform((properties, context) => {
    const given = (['uri', 'dns', 'cn', 'sha256'] as const).flatMap((kind) => {
      const value = properties[kind];
      return value === undefined ? [] : [{ kind, value }];
    });
    const [only, ...others] = given;
    if (only !== undefined && others.length === 0) return only;
    const message =
      only === undefined ? 'says nothing about the certificate' : `has ${given.length} properties`;
    return refuse(context, new ValueError(message, 'write exactly one of uri, dns, cn, sha256'));
  });

/** Text that a parser, which throws ValueError, turns into its final form. */
function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof ValueError) return refuse(context, error);
      throw error;
    }
  });
}

function refuse(context: z.RefinementCtx, { message, hint }: ValueError): never {
  context.addIssue({ code: 'custom', message, params: { hint } });
  return z.NEVER;
}
