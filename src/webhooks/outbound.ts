/**
 * POST to an address that somebody else chose. The address is looked at after its name was resolved and is the
 * very one that is connected to, so that a name which answers otherwise the second time gains nothing; nothing
 * is followed, and of the answer no more than its status is used.
 */
import { lookup as resolve } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Answered {
  readonly status: number;
  /** Seconds, from `Retry-After`. */
  readonly retryAfter: number | undefined;
}

export type Post = (
  url: string,
  message: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
) => Promise<Answered>;

/** The address may not be reached: no attempt will change that, unless somebody changes a setting. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export interface OutboundOptions {
  /** CIDRs beside the public addresses. */
  readonly networks: readonly string[];
  /** Whether `http:` is allowed. */
  readonly plain: boolean;
}

const answerBytesMax = 64 * 1024;
const retryAfterSecondsMax = 86_400;

export const createOutbound = ({ networks, plain }: OutboundOptions): Post => {
  const allowed = blockListOf(networks);

  const mayReach = (address: string): boolean => {
    const parsed = ipaddr.process(address);
    const text = parsed.toString();
    // ipaddr.js knows no range for ::/96, in which IPv4 addresses were once written.
    const isPublic = parsed.range() === 'unicast' && !text.startsWith('::');
    return isPublic || allowed.check(text, isIPv4(text) ? 'ipv4' : 'ipv6');
  };

  const refusedAt = (host: string): AddressRefused =>
    new AddressRefused(`${host} is at an address that is not public; webhooks may not reach it.`);

  /** All of a name's addresses must do: a name with one that does not is none to trust. */
  const lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null) return callback(error, '');
      if (!addresses.every(({ address }) => mayReach(address))) return callback(refusedAt(host), '');
      if (options.all === true) return callback(null, addresses);
      const [first] = addresses;
      callback(null, first?.address ?? '', first?.family);
    });
  };

  const agents = {
    'http:': new http.Agent({ keepAlive: false, lookup }),
    'https:': new https.Agent({ keepAlive: false, lookup }),
  };

  return async (address, { body, headers }, signal) => {
    const url = new URL(address);
    const { protocol } = url;
    if (protocol !== 'https:' && !(plain && protocol === 'http:'))
      throw new AddressRefused(`Webhooks are sent by https:// only, not ${protocol}//`);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !mayReach(host)) throw refusedAt(host);
    const client = protocol === 'https:' ? https : http;
    return new Promise((done, fail) => {
      const request = client.request(
        url,
        {
          method: 'POST',
          agent: agents[protocol],
          signal,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          const { statusCode = 0 } = response;
          const answered = { status: statusCode, retryAfter: retryAfterOf(response.headers['retry-after']) };
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes <= answerBytesMax) return;
            response.destroy();
            done(answered);
          });
          response.on('end', () => done(answered));
          response.on('error', fail);
        },
      );
      // Another protocol than was asked for: without this the answer is thrown away, and nobody hears of it.
      request.on('upgrade', ({ statusCode = 0 }, socket) => {
        socket.destroy();
        done({ status: statusCode, retryAfter: undefined });
      });
      request.on('error', fail);
      request.end(body);
    });
  };
};

const blockListOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
};

/** As seconds only; a date would need the other side's clock. */
const retryAfterOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Number(text), retryAfterSecondsMax) : undefined;
