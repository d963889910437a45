/** The formats of the verifiable log against known answers: RFC 6962, C2SP, and this project's own fixture. */

import { checkpointText, openCheckpoint } from '../../../src/audit/transparency/checkpoint.ts';
import {
  createFrontier,
  emptyRoot,
  foldRight,
  leafHash,
  nodeHash,
  type ProofPlan,
  planConsistency,
  planInclusion,
  provesConsistency,
  provesInclusion,
  type Subtree,
  subtreesOf,
} from '../../../src/audit/transparency/merkle.ts';
import { NoteError, openNote, signerOf, verifierOf } from '../../../src/audit/transparency/note.ts';
import { readProofFile, writeProofFile } from '../../../src/audit/transparency/proof-file.ts';
import { bundleOf, readBundle, readTilePath, tilePath } from '../../../src/audit/transparency/tiles.ts';

const origin = 'audit.example.com/t1';
const seed = Buffer.from(Array.from({ length: 32 }, (_, n) => n));
const vkey = 'audit.example.com/t1+3c9d8996+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4';
const entries = ['{"n":0}', '{"n":1}', '{"n":2}'];
const leaves = entries.map((entry) => leafHash(entry));
const note = `audit.example.com/t1
3
LP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=

— audit.example.com/t1 PJ2Jlj2v6tLgBodrkkVa061dnIfiLQp/owrDsNKBh+ghVm32x/QUB38ZOHk6e5jZeut+LszRT9ZRKyhdPzUNrna/CwE=
`;

/** The root by the words of RFC 6962, with none of the code that is tested but for the two hashes. */
const rootOf = (all: readonly Buffer[]): Buffer => {
  if (all.length === 0) return emptyRoot();
  if (all.length === 1) return all[0] as Buffer;
  let k = 1;
  while (k * 2 < all.length) k *= 2;
  return nodeHash(rootOf(all.slice(0, k)), rootOf(all.slice(k)));
};
const hashesOf = (plan: ProofPlan, all: readonly Buffer[]): Buffer[] =>
  plan.map((parts: readonly Subtree[]) =>
    foldRight(
      parts.map(({ level, index }) => rootOf(all.slice(index * 2 ** level, (index + 1) * 2 ** level))),
    ),
  );
const manyLeaves = Array.from({ length: 70 }, (_, n) => leafHash(`entry ${n}`));

describe('The fixture', () => {
  test('has these hashes', () => {
    expect(leaves[0]?.toString('hex')).toBe(
      'f94070abfd2da0bf72902eb13a808e794f954d9e2745c682a158f6ed0d4ac036',
    );
    expect(rootOf(leaves.slice(0, 2)).toString('hex')).toBe(
      '3badc80537f029e1bb77280dc85203cf2ed9748dc8f571230fcba5c326c91068',
    );
    expect(bundleOf(entries).toString('hex')).toBe('00077b226e223a307d00077b226e223a317d00077b226e223a327d');
    expect(hashesOf(planInclusion(2, 3), leaves).map((one) => one.toString('base64'))).toEqual([
      'O63IBTfwKeG7dygNyFIDzy7ZdI3I9XEjD8ulwybJEGg=',
    ]);
    expect(hashesOf(planConsistency(2, 3), leaves).map((one) => one.toString('base64'))).toEqual([
      'PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=',
    ]);
  });

  test('has this key and this checkpoint', () => {
    const signer = signerOf(origin, seed);
    expect(signer.vkey).toBe(vkey);
    expect(signer.sign(checkpointText({ origin, size: 3, root: rootOf(leaves) }))).toBe(note);
    expect(openCheckpoint(note, [verifierOf(vkey)])).toEqual({ origin, size: 3, root: rootOf(leaves) });
  });
});

test.each([
  [0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  [5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
])('A tree of %i leaves has the root that is known of it', (size, root) => {
  const contents = ['', '00', '10', '2021', '3031'].slice(0, size);
  const frontier = createFrontier();
  for (const hex of contents) frontier.push(leafHash(Buffer.from(hex, 'hex')));
  expect(frontier.root().toString('hex')).toBe(root);
});

describe('Proofs', () => {
  test('of inclusion hold for every leaf of every tree, and for no other leaf, size or root', () => {
    for (let size = 1; size <= manyLeaves.length; size++) {
      const all = manyLeaves.slice(0, size);
      const root = rootOf(all);
      for (let index = 0; index < size; index++) {
        const proof = hashesOf(planInclusion(index, size), all);
        const leaf = all[index] as Buffer;
        expect(provesInclusion({ leaf, index, size, root }, proof)).toBe(true);
        expect(provesInclusion({ leaf: leafHash('another'), index, size, root }, proof)).toBe(false);
        expect(provesInclusion({ leaf, index, size, root: leafHash('another') }, proof)).toBe(false);
        expect(provesInclusion({ leaf, index: size, size, root }, proof)).toBe(false);
        if (size > 1) expect(provesInclusion({ leaf, index, size, root }, proof.slice(1))).toBe(false);
        expect(provesInclusion({ leaf, index, size, root }, [...proof, root])).toBe(false);
      }
    }
  });

  test('of consistency hold for every beginning of every tree, and for no other tree', () => {
    for (let size = 1; size <= manyLeaves.length; size++) {
      const all = manyLeaves.slice(0, size);
      const newer = { size, root: rootOf(all) };
      for (let from = 1; from <= size; from++) {
        const older = { size: from, root: rootOf(all.slice(0, from)) };
        const proof = hashesOf(planConsistency(from, size), all);
        expect(provesConsistency(older, newer, proof)).toBe(true);
        expect(provesConsistency({ ...older, root: leafHash('x') }, newer, proof)).toBe(false);
        expect(provesConsistency(older, { size, root: leafHash('x') }, proof)).toBe(false);
        if (from < size) expect(provesConsistency(older, newer, [])).toBe(false);
        expect(provesConsistency(newer, { ...older, size: from - 1 }, proof)).toBe(false);
      }
      expect(provesConsistency({ size: 0, root: emptyRoot() }, newer, [])).toBe(true);
    }
  });

  test('are refused for leaves that a tree does not have', () => {
    expect(() => planInclusion(3, 3)).toThrow(RangeError);
    expect(() => planConsistency(4, 3)).toThrow(RangeError);
    expect(() => planConsistency(0, 3)).toThrow(RangeError);
  });
});

test('A tree that begins with whole subtrees goes on as if it had every leaf', () => {
  for (const from of [0, 1, 2, 7, 32, 33, 69]) {
    const frontier = createFrontier();
    const rootOfSubtree = ({ level, index }: Subtree) =>
      rootOf(manyLeaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
    for (const one of subtreesOf(0, from)) frontier.push(rootOfSubtree(one), one.level);
    for (const leaf of manyLeaves.slice(from, 70)) frontier.push(leaf);
    expect(frontier.root()).toEqual(rootOf(manyLeaves));
  }
  const frontier = createFrontier();
  frontier.push(manyLeaves[0] as Buffer);
  expect(() => frontier.push(manyLeaves[1] as Buffer, 1)).toThrow(RangeError);
});

describe('Signed notes', () => {
  const verifiers = [verifierOf(vkey)];
  const other = signerOf('other.example.com/t2', Buffer.alloc(32, 7));

  test('hold beside signatures of keys that nobody knows', () => {
    const stranger = '— other.example.com/t2 AAAAAHN0cmFuZ2U=\n';
    expect(openNote(note + stranger, verifiers)).toBe(note.slice(0, note.indexOf('\n\n') + 1));
  });

  test.each([
    ['an altered size', note.replace('\n3\n', '\n4\n')],
    ['an altered root', note.replace('LP73', 'LP74')],
    ['no signature', note.slice(0, note.indexOf('\n\n') + 1)],
    ['a signature that is cut off', note.slice(0, -10)],
    ['a signature of other bytes', note.replace('PJ2Jlj2v', 'PJ2Jlj2w')],
    ['a hyphen for the dash', note.replace('—', '-')],
    ['a control character', note.replace('\n3\n', '\n3\r\n')],
    ['nothing but strangers’ signatures', other.sign('audit.example.com/t1\n3\nx\n')],
    ['nothing', ''],
  ])('do not with %s', (_, altered) => {
    expect(() => openCheckpoint(altered, verifiers)).toThrow(NoteError);
  });

  test('a key that signs for one log does not speak for another', () => {
    const forged = other.sign(checkpointText({ origin, size: 3, root: rootOf(leaves) }));
    expect(() => openCheckpoint(forged, [...verifiers, verifierOf(other.vkey)])).toThrow(NoteError);
  });

  test.each([
    '',
    'a+b',
    'x+3c9d8996+AQOh',
    `${vkey}A`,
    vkey.replace('3c9d', '3c9e'),
    vkey.replace('/t1', '/t2'),
  ])('a verifier key reads as one, not as %p', (text) => {
    expect(() => verifierOf(text)).toThrow(NoteError);
  });
});

describe('Tile paths', () => {
  test.each([
    [0, 256, '000'],
    [5, 17, '005.p/17'],
    [1_234_067, 256, 'x001/x234/067'],
    [1_234_067, 1, 'x001/x234/067.p/1'],
    [1_000, 256, 'x001/000'],
  ])('of tile %i with %i hashes read %s', (index, width, path) => {
    expect(tilePath(index, width)).toBe(path);
    expect(readTilePath(path)).toEqual({ index, width });
  });

  test.each([
    '',
    '0',
    '00',
    '1',
    'x000/001',
    '000.p/0',
    '000.p/256',
    '000.p/257',
    '000.p/01',
    'x01/000',
    '000/',
  ])('have one spelling, which %p is not', (path) => {
    expect(readTilePath(path)).toBeUndefined();
  });
});

test('Entry bundles are read as they were written, and not when they are cut off', () => {
  const bundle = bundleOf(['a', '', 'é']);
  expect(readBundle(bundle).map(String)).toEqual(['a', '', 'é']);
  expect(() => readBundle(bundle.subarray(0, -1))).toThrow(RangeError);
  expect(() => readBundle(Buffer.from([0]))).toThrow(RangeError);
  expect(() => bundleOf(['x'.repeat(65_536)])).toThrow(RangeError);
});

test('Proof files are read as they were written', () => {
  const file = { index: 2, hashes: [leaves[0] as Buffer], checkpoint: note, extra: Buffer.from('entry') };
  expect(readProofFile(writeProofFile(file))).toEqual(file);
  const { extra: _, ...without } = file;
  expect(writeProofFile(without)).toBe(
    `c2sp.org/tlog-proof@v1\nindex 2\n${leaves[0]?.toString('base64')}\n\n${note}`,
  );
  expect(readProofFile(writeProofFile(without))).toEqual(without);
  for (const wrong of ['', 'c2sp.org/tlog-proof@v2\nindex 2\n\nx', 'c2sp.org/tlog-proof@v1\nindex 02\n\nx'])
    expect(() => readProofFile(wrong)).toThrow(NoteError);
});
