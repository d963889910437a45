/**
 * From where one may reach us: an allowlist of networks, checked before anything else is read. What a
 * trusted proxy says in `X-Forwarded-For` is believed from the right, up to the first address that is
 * not one of our proxies; everything left of it anybody may have written.
 */
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { QuarterdeckError } from '../errors.ts';

export interface NetworkRules {
  /** CIDRs or single addresses; none means loopback. */
  readonly allowed: readonly string[];
  readonly trustedProxies: readonly string[];
}

export interface Network {
  /** The address of the client, in its shortest form. @throws QuarterdeckError `network_refused` */
  admit(peer: string | undefined, forwardedFor: string | undefined): string;
}

/** Parsing addresses costs more than all else here; the same few clients come again and again. */
const rememberedMax = 10_000;
const keyCharactersMax = 200;

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

export const loopback = ['127.0.0.0/8', '::1/128'] as const;

/** @throws Error that names the value. */
export const createNetwork = (rules: NetworkRules): Network => {
  const allowed = (rules.allowed.length === 0 ? loopback : rules.allowed).map(rangeOf);
  const proxies = rules.trustedProxies.map(rangeOf);
  const admitted = new LRUCache<string, string>({ max: rememberedMax });
  return {
    admit: (peer, forwardedFor) => {
      const key = `${peer} ${forwardedFor}`;
      const known = admitted.get(key);
      if (known !== undefined) return known;
      const client = clientOf(peer, forwardedFor, proxies);
      if (client === undefined || !isIn(client, allowed)) {
        throw new QuarterdeckError('network_refused', 'Requests from this network are not accepted.');
      }
      const address = client.toString();
      if (key.length <= keyCharactersMax) admitted.set(key, address);
      return address;
    },
  };
};

/** The right-most address that is not a trusted proxy's; undefined where a proxy wrote something odd. */
const clientOf = (
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: readonly Range[],
): Address | undefined => {
  let client = addressOf(peer ?? '');
  const hops = forwardedFor === undefined ? [] : forwardedFor.split(',');
  while (client !== undefined && hops.length > 0 && isIn(client, proxies)) {
    client = addressOf((hops.pop() ?? '').trim());
  }
  return client;
};

/** IPv4-mapped IPv6 addresses are the IPv4 address they carry; a zone does not matter. */
const addressOf = (text: string): Address | undefined => {
  const bare = text.replace(/%.*$/, '').replace(/^\[([^\]]*)\](?::\d+)?$/, '$1');
  const plain = /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare) ? bare.replace(/:\d+$/, '') : bare;
  if (ipaddr.IPv4.isValidFourPartDecimal(plain) || ipaddr.IPv6.isValid(plain)) return ipaddr.process(plain);
  return undefined;
};

const rangeOf = (text: string): Range => {
  const wrong = new Error(`"${text}" is not a network: write 10.0.0.0/8, 2001:db8::/32 or a single address`);
  const [base, bits, more] = text.trim().split('/');
  const written = ipaddr.isValid(base ?? '') ? ipaddr.parse(base ?? '') : undefined;
  const address = addressOf(base ?? '');
  if (written === undefined || address === undefined || more !== undefined) throw wrong;
  const widest = address.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return [address, widest];
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = written.kind() === 'ipv6' && address.kind() === 'ipv4' ? 96 : 0;
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) - mapped : -1;
  if (length < 0 || length > widest) throw wrong;
  return [address, length];
};

const isIn = (address: Address, ranges: readonly Range[]): boolean =>
  ranges.some(([base, length]) => base.kind() === address.kind() && address.match([base, length]));
