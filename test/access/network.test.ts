/** From where one gets in, and whose word on it is believed. */
import fc from 'fast-check';
import { createNetwork } from '../../src/access/network.ts';

const admitted = (
  rules: { allowed?: readonly string[]; trustedProxies?: readonly string[] },
  peer: string | undefined,
  forwardedFor?: string,
): string => {
  try {
    return createNetwork({ allowed: [], trustedProxies: [], ...rules }).admit(peer, forwardedFor);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

const refused = 'network_refused';

describe('without proxies', () => {
  test.each([
    [[], '127.0.0.1', '127.0.0.1'],
    [[], '127.8.9.1', '127.8.9.1'],
    [[], '::1', '::1'],
    [[], '::ffff:127.0.0.1', '127.0.0.1'],
    [[], '::ffff:7f00:1', '127.0.0.1'],
    [[], '10.0.0.1', refused],
    [[], undefined, refused],
    [[], 'nonsense', refused],
    [['10.0.0.0/8'], '10.255.0.1', '10.255.0.1'],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', '10.1.2.3'],
    [['10.0.0.0/8'], '11.0.0.1', refused],
    [['10.0.0.0/8'], '127.0.0.1', refused],
    [['192.0.2.7'], '192.0.2.7', '192.0.2.7'],
    [['192.0.2.7'], '192.0.2.8', refused],
    [['::ffff:10.0.0.0/104'], '10.1.1.1', '10.1.1.1'],
    [['::ffff:10.0.0.0/104'], '11.1.1.1', refused],
    [['2001:db8::/32'], '2001:db8:1::2', '2001:db8:1::2'],
    [['2001:db8::/32'], '2001:db9::1', refused],
    [['2001:db8::/32'], '10.0.0.1', refused],
    [['fe80::/10'], 'fe80::1%eth0', 'fe80::1'],
    [['0.0.0.0/0'], '8.8.8.8', '8.8.8.8'],
    [['0.0.0.0/0'], '2001:db8::1', refused],
  ] as const)('%j admits %s as %s', (allowed, peer, expected) => {
    expect(admitted({ allowed }, peer)).toBe(expected);
  });

  test('nobody’s X-Forwarded-For is believed', () => {
    expect(admitted({}, '10.0.0.1', '127.0.0.1')).toBe(refused);
    expect(admitted({}, '127.0.0.1', '10.0.0.1')).toBe('127.0.0.1');
  });
});

describe('behind trusted proxies', () => {
  const rules = { allowed: ['198.51.100.0/24', '2001:db8:1::/48'], trustedProxies: ['10.0.0.0/8', '::1'] };
  test.each([
    ['10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '198.51.100.7, 203.0.113.9', refused],
    ['10.0.0.1', '198.51.100.7, 10.1.1.1, 10.2.2.2', '198.51.100.7'],
    ['10.0.0.1', '203.0.113.9, 10.1.1.1', refused],
    ['10.0.0.1', undefined, refused],
    ['10.0.0.1', '', refused],
    ['10.0.0.1', '198.51.100.7, nonsense', refused],
    ['10.0.0.1', '198.51.100.7,', refused],
    ['203.0.113.9', '198.51.100.7', refused],
    ['198.51.100.7', '203.0.113.9', '198.51.100.7'],
    ['::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['::1', '[2001:db8:1::5]:4711', '2001:db8:1::5'],
    ['::1', '198.51.100.7:4711', '198.51.100.7'],
    ['::1', '010.0.0.1', refused],
  ])('a connection from %s with %j comes from %s', (peer, forwardedFor, expected) => {
    expect(admitted(rules, peer, forwardedFor)).toBe(expected);
  });

  test('what a client writes itself never makes it somebody else', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const address = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'));
    fc.assert(
      fc.property(fc.array(fc.oneof(address, fc.string()), { maxLength: 5 }), (written) => {
        const forwardedFor = [...written, '203.0.113.9'].join(', ');
        expect(admitted(rules, '10.0.0.1', forwardedFor)).toBe(refused);
      }),
    );
  });
});

test.each([
  '',
  'here',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '::/129',
  '::ffff:10.0.0.0/95',
  '10.0.0/8x',
])('the setting %j stops the start', (cidr) => {
  expect(() => createNetwork({ allowed: [cidr], trustedProxies: [] })).toThrow(`"${cidr}" is not a network`);
  expect(() => createNetwork({ allowed: [], trustedProxies: [cidr] })).toThrow(`"${cidr}" is not a network`);
});
