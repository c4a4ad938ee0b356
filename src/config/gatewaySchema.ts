import { z } from 'zod';
import { PERMISSIONS } from '../policy/rules.ts';
import { GATEWAY_ADMIN } from './adminAddress.ts';
import * as field from './fields.ts';
import { LEAST_WAITING_SECONDS, WARM_TUNNEL_SECONDS } from './warmTunnelLife.ts';

const tls = z
  .strictObject({
    cert: field.filePath.meta({
      description: 'Certificate of the gateway, PEM, with its intermediates.',
      examples: ['../certs/gateway.crt'],
    }),
    key: field.filePath.meta({ description: 'Its private key, PEM.', examples: ['../certs/gateway.key'] }),
    clientCa: field.filePath.meta({
      description: 'The CA that the certificates of initiators must come from, PEM.',
      examples: ['../certs/ca.crt'],
    }),
    crl: field.filePath.optional().meta({
      description: 'Revocation list, PEM; one for every CA of the chain. An expired list refuses everybody.',
      examples: ['../certs/ca.crl'],
    }),
  })
  .meta({ description: 'TLS 1.3 with client certificates.' });

const listener = z.strictObject({
  address: field.portal({ defaultPort: 3261, purpose: 'listen' }).meta({
    description: 'Where stubs connect: `host:port`, `[v6]:port`; port 3261 unless written.',
    examples: ['0.0.0.0:3261'],
  }),
  tls,
  advertise: field
    .portal({ defaultPort: 3260, purpose: 'dial' })
    .optional()
    .meta({
      description:
        'The address that discovery shows to an initiator whose tunnel tells none (no PROXY header: stunnel, socat); port 3260 unless written. Without it: the address of the socket.',
      examples: ['192.0.2.10:3260'],
    }),
});

const backend = z.strictObject({
  portals: z
    .array(field.portal({ defaultPort: 3260, purpose: 'dial' }).meta({ examples: ['10.0.0.5:3260'] }))
    .min(1)
    .meta({ description: 'Portals of the array, tried in order; port 3260 unless written.' }),
  redirectsTo: z.array(field.addressRange).min(1).optional().meta({
    description:
      'Where the array may redirect a login. The gateway follows inside; a redirect to elsewhere, and any without this key, is refused.',
  }),
  targets: z.array(field.targetPattern).min(1).optional().meta({
    description:
      'Targets that this backend carries, exact or with `*`. Without it the array is asked. In discovery it is not asked for initiators whose `access` covers none of them.',
  }),
  chap: field
    .chap('the gateway logs in at the array', 'the array proves itself to the gateway')
    .optional()
    .meta({ description: 'CHAP between gateway and array.' }),
  connectTimeoutSeconds: field
    .seconds(5)
    .meta({ description: 'How long one portal may take to answer before the next is tried.' }),
});

const initiator = z.strictObject({
  iqn: field.iscsiName.meta({
    description: 'Its initiator name (iqn., eui. or naa.); upper and lower case are one.',
  }),
  certificate: field.certificate,
  from: z
    .array(field.addressRange)
    .min(1)
    .meta({
      description:
        'Addresses its tunnel may come from, single or CIDR, IPv4 and IPv6. Anywhere is `[0.0.0.0/0, "::/0"]`.',
      examples: [['203.0.113.0/24', '2001:db8::/48']],
    }),
  chap: field.chap('the initiator logs in', 'the gateway proves itself to the initiator').optional().meta({
    description: 'CHAP between initiator and gateway. Without it the certificate alone authenticates.',
  }),
  cluster: z.boolean().default(false).meta({
    description:
      'Several hosts share this initiator name: it may come from several certificates or addresses at once.',
  }),
  maxSessions: z.int().min(1).max(65536).optional().meta({
    description:
      'Sessions that it may have at once, and as many for discovery; without it `limits.sessionsPerInitiator`.',
  }),
  shadow: z.boolean().default(false).meta({
    description:
      'What `access` would deny is logged and passes, but for what only `allow` lets pass: to try rules before they are enforced. Certificate, address, name and CHAP are enforced all the same.',
  }),
  access: z
    .array(
      z.strictObject({
        target: field.targetPattern.meta({
          description:
            'A target, exact or with `*` for any run of characters. The first entry that matches a target decides.',
        }),
        luns: z
          .array(z.int().min(0).max(16383))
          .min(1)
          .optional()
          .meta({
            description: 'The logical units that are there for it; without this key all are.',
            examples: [[0, 1]],
          }),
        mode: z.enum(['read-write', 'read-only']).default('read-write').meta({
          description:
            'With `read-only` whatever changes the medium, a reservation or a setting gets DATA PROTECT, and the disk shows itself write-protected.',
        }),
        allow: z
          .array(z.enum(PERMISSIONS))
          .default([])
          .meta({
            description:
              'What is refused otherwise, by name. With `mode: read-only` only `reservations` and `target-reset` can be allowed.',
            examples: [['format']],
          }),
      }),
    )
    .min(1)
    .meta({
      description: 'What it may discover and log in to. All else does not exist for it.',
      examples: [[{ target: 'iqn.2001-05.com.equallogic:*-db1-*' }]],
    }),
});

const limits = z
  .strictObject({
    unauthenticated: z
      .int()
      .min(1)
      .max(65536)
      .default(256)
      .meta({ description: 'Connections that may be in the handshake or the login at once.' }),
    unauthenticatedPerAddress: z.int().min(1).max(65536).default(64).meta({
      description:
        'The same, from one IPv4 address, or from the addresses of one IPv6 network of 64 bits (`/64`), for a host may have all of these; allow more where more initiators share one.',
    }),
    loginSeconds: field.seconds(15).meta({
      description:
        'From the moment TCP accepts a connection to the end of the login; of a tunnel that has waited, from its first byte.',
    }),
    waiting: z.int().min(0).max(65536).default(1024).meta({
      description:
        'Tunnels that may wait for their initiator at once, as stubs dial them ahead (`warmTunnels`), each to the end of its login. One that finds no place counts and is timed as any other connection.',
    }),
    waitingPerCertificate: z
      .int()
      .min(0)
      .max(65536)
      .default(64)
      .meta({ description: 'The same, with one certificate.' }),
    waitingSeconds: field.seconds(600).meta({
      description: `How long one may wait. Stubs renew theirs after ${WARM_TUNNEL_SECONDS} s: below ${LEAST_WAITING_SECONDS} the gateway closes what they want to keep.`,
    }),
    discoverySeconds: field
      .seconds(3)
      .meta({ description: 'How long discovery waits for an array before it answers without it.' }),
    sessionsPerInitiator: z
      .int()
      .min(1)
      .max(65536)
      .default(256)
      .meta({ description: 'Sessions that one initiator name may have at once, and as many for discovery.' }),
    drainSeconds: field.seconds(10).meta({
      description:
        'When the gateway stops: for how long it waits for initiators to log out, as it asks them to, before it closes their sessions.',
    }),
  })
  .prefault({})
  .meta({ description: 'Bounds on what a peer may cost.' });

const guards = z
  .strictObject({
    duplicateInitiators: z.enum(['report', 'refuse']).default('report').meta({
      description:
        'The same initiator name from two certificates or two addresses at once, where the entry does not say `cluster: true`: log and count it, or refuse the later login as well. A host with several paths comes from several addresses. A renewed certificate, with the same names and from the same address, is none.',
    }),
  })
  .prefault({})
  .meta({ description: 'What is suspicious in a login that is otherwise allowed.' });

/** The gateway's file, value by value. What needs more than one value to judge is in crossChecks.ts. */
export const gatewaySchema = z.strictObject({
  listen: z.array(listener).min(1).meta({ description: 'Listeners for stubs.' }),
  backends: field
    .byName(backend)
    .meta({ description: 'Arrays behind the gateway, by a name of your choice.' }),
  initiators: field
    .byName(initiator)
    .meta({ description: 'Who may log in, by a name of your choice. Nobody else may.' }),
  limits,
  guards,
  workers: field.workers,
  watch: field.watch,
  admin: field
    .admin(
      GATEWAY_ADMIN,
      ' Metrics name initiators, targets and arrays. The gateway lists and ends its sessions there too (`/sessions`), but beyond loopback only with `tls`.',
    )
    .prefault({})
    .meta({ description: 'Metrics, health and sessions; `false` turns them off.' }),
  audit: z
    .strictObject({
      file: field.filePath.meta({
        description: 'JSON lines, made with mode 0600. Nobody but the gateway writes to it.',
        examples: ['/var/log/sangate/audit.jsonl'],
      }),
      maxMegabytes: z
        .int()
        .min(1)
        .max(65536)
        .default(64)
        .meta({ description: 'Size at which the file is rotated.' }),
      keep: z.int().min(1).max(10000).default(10).meta({ description: 'Rotated files that stay.' }),
    })
    .optional()
    .meta({ description: 'The audit trail; without this key there is none.' }),
  log: field.log,
});
