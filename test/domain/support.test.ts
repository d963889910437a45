/** Support: notes, and access to accounts for a while. */
import { AccountClosed, AccountOpened } from '../../src/domain/accounts/events.ts';
import { NoteAdded, SupportAccessGranted, SupportAccessRevoked } from '../../src/domain/support/events.ts';
import { given, now, recordedAt } from './given.ts';

const accountId = 'acme';
const noteId = 'n-1';
const grantId = 'g-1';
const nothing = { minor: 0, currency: 'USD' };

const opened = AccountOpened.of({
  accountId,
  plan: 'DSL',
  contract: 'two-year',
  tenureMonths: 0,
  monthlyCharges: nothing,
  totalCharges: nothing,
  currency: 'USD',
});
const closed = AccountClosed.of({ accountId, reason: 'moved away' });

const note = { noteId, accountId, text: 'Called; wants a call back.' };
const added = NoteAdded.of(note);

const grant = {
  grantId,
  accountId,
  grantee: 'sam@vendor.test',
  until: '2026-03-04T00:00:00Z',
  reason: 'debug',
};
const granted = SupportAccessGranted.of({ ...grant, until: '2026-03-04T00:00:00.000000Z' });
const revoked = SupportAccessRevoked.of({ grantId, accountId, reason: 'done' });

describe('adding a note', () => {
  test('keeps its text; the same note again changes nothing', () => {
    expect(given(opened).when('add-note', note)).toEqual([added]);
    expect(given(opened, added).when('add-note', note)).toEqual([]);
  });

  test('another text, or another account, under a used id is refused', () => {
    const past = given(opened, added);
    expect(past.when('add-note', { ...note, text: 'No.' })).toMatchObject({ rejection: 'note_exists' });
    expect(past.when('add-note', { ...note, accountId: 'b' })).toMatchObject({ rejection: 'note_exists' });
  });

  test('is refused on a closed account and on none', () => {
    expect(given(opened, closed).when('add-note', note)).toMatchObject({ rejection: 'account_closed' });
    expect(given().when('add-note', note)).toMatchObject({ rejection: 'not_found' });
  });
});

describe('granting support access', () => {
  test('keeps until when, in UTC', () => {
    expect(given(opened).when('grant-support-access', grant)).toEqual([granted]);
    const local = { ...grant, until: '2026-03-04T02:00:00+02:00' };
    expect(given(opened).when('grant-support-access', local)).toEqual([granted]);
  });

  test.each([now, '2026-03-03T10:00:00Z', '2026-03-03T11:59:59.999+02:00'])(
    'must end later than now, not at %s',
    (until) => {
      expect(given(opened).when('grant-support-access', { ...grant, until })).toMatchObject({
        rejection: 'until_not_in_future',
      });
    },
  );

  test('one microsecond from now is later', () => {
    const until = '2026-03-03T10:00:00.000001Z';
    expect(given(opened).when('grant-support-access', { ...grant, until })).toHaveLength(1);
  });

  test('is refused on a closed account, on none, and where its id was used', () => {
    expect(given(opened, closed).when('grant-support-access', grant)).toMatchObject({
      rejection: 'account_closed',
    });
    expect(given().when('grant-support-access', grant)).toMatchObject({ rejection: 'not_found' });
    for (const past of [given(opened, granted), given(opened, granted, revoked)]) {
      expect(past.when('grant-support-access', grant)).toMatchObject({ rejection: 'grant_exists' });
    }
  });

  test('is taken back by revoking it', () => {
    const undo = given(opened).inverse('grant-support-access', grant);
    expect(given(opened, granted).when('revoke-support-access', undo ?? {})).toHaveLength(1);
  });
});

describe('revoking support access', () => {
  const ask = { grantId, reason: 'done' };

  test('happens once, also on a closed account', () => {
    expect(given(opened, granted).when('revoke-support-access', ask)).toEqual([revoked]);
    expect(given(opened, granted, closed).when('revoke-support-access', ask)).toEqual([revoked]);
    expect(given(opened, granted, revoked).when('revoke-support-access', ask)).toEqual([]);
  });

  test('finds no grant where none was given', () => {
    expect(given(opened).when('revoke-support-access', ask)).toMatchObject({ rejection: 'not_found' });
  });
});

describe('the rows of support', () => {
  test('a note shows who wrote it when', () => {
    expect(given(opened, added).rows('notes')).toEqual({
      [noteId]: { ...note, writtenBy: 'person:test', writtenAt: recordedAt(2) },
    });
  });

  test('a grant shows who let whom in, and that it was revoked', () => {
    const row = { ...granted.data, status: 'granted', grantedBy: 'person:test', grantedAt: recordedAt(2) };
    expect(given(opened, granted).rows('access-grants')).toEqual({ [grantId]: { ...row, revokedAt: null } });
    expect(given(opened, granted, revoked).rows('access-grants')).toEqual({
      [grantId]: { ...row, status: 'revoked', reason: 'done', revokedAt: recordedAt(3) },
    });
  });
});
