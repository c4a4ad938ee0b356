import { Secret } from '../policy/secret.ts';
import type { ChapCredentials, ChapRequirement } from '../policy/chapRequirement.ts';
import type { AddressSet, InitiatorRule } from '../policy/rules.ts';
import { addressSet, parseAddressRange } from './addressSet.ts';
import { deepFreeze } from './deepFreeze.ts';
import type { BackendConfig, GatewayConfig } from './gatewayConfig.ts';

/** A gateway's configuration in plain data, for another process of ours: secrets are in it, so it goes nowhere else. */
export interface PackedGatewayConfig extends Omit<GatewayConfig, 'backends' | 'initiators'> {
  readonly backends: readonly PackedBackend[];
  readonly initiators: readonly PackedRule[];
}

type PackedBackend = Omit<BackendConfig, 'redirectsTo' | 'chap'> & {
  readonly redirectsTo?: string;
  readonly chap?: PackedChap;
};
type PackedRule = Omit<InitiatorRule, 'from' | 'chap'> & {
  readonly from: string;
  readonly chap?: PackedChap;
};
type PackedCredentials = Omit<ChapCredentials, 'secret'> & { readonly secret: Uint8Array };
type PackedChap = Omit<ChapRequirement, 'secret' | 'mutual'> &
  PackedCredentials & { readonly mutual?: PackedCredentials };

export function packGatewayConfig(config: GatewayConfig): PackedGatewayConfig {
  return {
    ...config,
    backends: config.backends.map(({ redirectsTo, chap, ...backend }) => ({
      ...backend,
      ...(redirectsTo && { redirectsTo: redirectsTo.toString() }),
      ...(chap && { chap: packChap(chap) }),
    })),
    initiators: config.initiators.map(({ from, chap, ...rule }) => ({
      ...rule,
      from: from.toString(),
      ...(chap && { chap: packChap(chap) }),
    })),
  };
}

export function unpackGatewayConfig(packed: PackedGatewayConfig): GatewayConfig {
  return deepFreeze({
    ...packed,
    backends: packed.backends.map(({ redirectsTo, chap, ...backend }) => ({
      ...backend,
      ...(redirectsTo !== undefined && { redirectsTo: addresses(redirectsTo) }),
      ...(chap && { chap: unpackChap(chap) }),
    })),
    initiators: packed.initiators.map(({ from, chap, ...rule }) => ({
      ...rule,
      from: addresses(from),
      ...(chap && { chap: unpackChap(chap) }),
    })),
  });
}

/** The ranges as the user wrote them. */
const addresses = (text: string): AddressSet => addressSet(text.split(', ').map(parseAddressRange));

function packChap({ mutual, ...own }: ChapRequirement): PackedChap {
  return { ...own, ...packSecret(own), ...(mutual && { mutual: packSecret(mutual) }) };
}

function unpackChap({ mutual, ...own }: PackedChap): ChapRequirement {
  return { ...own, ...unpackSecret(own), ...(mutual && { mutual: unpackSecret(mutual) }) };
}

const packSecret = ({ user, secret }: ChapCredentials): PackedCredentials => ({
  user,
  secret: secret.reveal(),
});
const unpackSecret = ({ user, secret }: PackedCredentials): ChapCredentials => ({
  user,
  secret: new Secret(secret),
});
