import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { ann, everything, type House, ids, inPieces, openHouse, person } from './house.ts';

/** No workers run here: what is accepted stays as it was accepted. */
describe('Accepting a bulk job', () => {
  let db: TestDatabase;
  let house: House;
  beforeAll(async () => {
    db = await testDatabase();
    house = await openHouse({ db });
  });
  afterAll(async () => {
    await house.close();
    await db.drop();
  });

  const move = { command: 'move-crate', input: { to: 'hall' } };
  const jobs = async (): Promise<number> =>
    Number((await db.app.query('SELECT count(*)::int AS n FROM bulk_jobs')).rows[0]?.n);
  const refusal = async (
    work: () => Promise<unknown>,
  ): Promise<{ code: string; paths: string[]; messages: string }> => {
    const before = await jobs();
    const error = await work().then(
      () => undefined,
      (e) => e,
    );
    expect(await jobs()).toBe(before);
    const errors = (error?.errors ?? []) as { path: string; message: string }[];
    return {
      code: error?.code,
      paths: errors.map(({ path }) => path),
      messages: [error?.message, ...errors.map(({ message }) => message)].join(' '),
    };
  };

  test.each([
    ['an unknown command', { ...move, command: 'fly-crate', targets: [] }, ['command']],
    ['a command that does not run in bulk', { command: 'weigh-crate', targets: [] }, ['command']],
    ['both targets and a filter', { ...move, targets: [], where: {} }, ['where']],
    ['neither targets nor a filter', move, ['targets']],
    ['a target that is no text', { ...move, targets: ['a', 7] }, ['targets.1']],
    ['an unknown field', { ...move, targets: [], colour: 'red' }, ['colour']],
    ['a wrong common input', { command: 'move-crate', input: { to: '' }, targets: ['a'] }, ['input.to']],
    ['a common input that lacks a field', { command: 'move-crate', targets: ['a'] }, ['input.to']],
    ['an unknown common field', { ...move, input: { to: 'x', by: 'y' }, targets: ['a'] }, ['input.by']],
    ['another count than expected', { ...move, targets: ['a', 'b'], expectedCount: 3 }, ['expectedCount']],
    ['a filter on an unknown field', { ...move, where: { colour: 'red' } }, ['where.colour']],
    ['no object', 'rubbish', ['']],
  ])('%s is refused with its path, and nothing is stored', async (_what, body, paths) => {
    const refused = await refusal(() => house.bulk.accept.fromBody({ principal: ann, body }));
    expect(refused).toMatchObject({ code: 'invalid_input', paths });
  });

  test('a count that differs is told with what there is', async () => {
    const body = { ...move, targets: ['a', 'b'], expectedCount: 3 };
    expect((await refusal(() => house.bulk.accept.fromBody({ principal: ann, body }))).messages).toContain(
      '2 items, not 3',
    );
  });

  test('a command that wants a fresh sign-in is accepted from a fresh one only, by body and by upload', async () => {
    const signedIn = (minutesAgo: number) => ({ ...ann, authenticatedAt: Date.now() - minutesAgo * 60_000 });
    const upload = (minutesAgo: number) =>
      house.bulk.accept.fromUpload({
        principal: signedIn(minutesAgo),
        mediaType: 'text/csv',
        query: { command: 'crush-crate' },
        content: inPieces('crateId\na\n'),
      });
    const body = { command: 'crush-crate', targets: ['a'] };
    const given = (minutesAgo: number) =>
      house.bulk.accept.fromBody({ principal: signedIn(minutesAgo), body });
    for (const work of [() => upload(6), () => given(6)])
      expect(await refusal(work)).toMatchObject({ code: 'reauthentication_required' });
    const denied = 'crush-crate: reauthentication_required';
    expect(house.denials.slice(-2)).toEqual([denied, denied]);
    expect((await upload(4)).job.total).toBe(1);
    expect((await given(4)).job.total).toBe(1);
  });

  test('both bulk:run and the permission of the command are needed, before anything is looked at', async () => {
    const nobody = person('nobody', ['crates:*']);
    await expect(house.bulk.accept.fromBody({ principal: nobody, body: 'rubbish' })).rejects.toMatchObject({
      code: 'not_permitted',
      extra: { permission: 'bulk:run' },
    });
    const reader = person('reader', ['bulk:*']);
    await expect(
      house.bulk.accept.fromBody({ principal: reader, body: { ...move, targets: [] } }),
    ).rejects.toMatchObject({ code: 'not_permitted', extra: { permission: 'crates:move' } });
    await expect(house.bulk.jobs.list({ principal: nobody })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });

  test('a filter on a field that one may not read is refused', async () => {
    const dee = person('dee', ['bulk:*', 'crates:move', 'crates:read']);
    const body = { ...move, where: { weight: { gte: 1 } } };
    expect((await refusal(() => house.bulk.accept.fromBody({ principal: dee, body }))).code).toBe(
      'not_permitted',
    );
  });

  describe('from CSV', () => {
    const pack = { command: 'pack-crate' };
    const csv = (text: string | Buffer, query: Record<string, string> = {}) =>
      house.upload({ ...pack, ...query }, text);
    const inputs = async (id: string): Promise<unknown[]> =>
      (
        await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1 ORDER BY chunk', [id])
      ).rows.flatMap((row) => row.inputs as unknown[]);

    test('a BOM, CRLF, blank lines and quoted line breaks are all fine, and lines are counted as an editor does', async () => {
      const text =
        '\ufeffcrateId,weight,owner\r\n\r\na,1.5,"Ada\r\nLovelace"\r\nb,2,\r\n\r\n"c",3,"says ""hi"", twice"\r\n';
      const job = await csv(text);
      expect(job).toMatchObject({ total: 3, source: 'csv' });
      const stored = (await inputs(job.id)) as { t: string; l: number; i: Record<string, unknown> }[];
      expect(stored.map(({ t, l, i }) => [t, l, i.weight])).toEqual([
        ['a', 3, 1.5],
        ['b', 5, 2],
        ['c', 7, 3],
      ]);
      expect(stored[1]?.i).toEqual({ crateId: 'b', weight: 2 });
    });

    test('personal fields are sealed before they are stored', async () => {
      const job = await csv('crateId,weight,owner\nsealed,1,Grace Hopper\n');
      expect(JSON.stringify(await inputs(job.id))).not.toContain('Grace');
      expect(await inputs(job.id)).toMatchObject([{ i: { owner: { $personal: 'crate-sealed' } } }]);
    });

    test('a map takes the columns it names and ignores the others', async () => {
      const map = JSON.stringify({ crateId: 'Number', weight: 'Weight (kg)' });
      const job = await csv('Colour,Number,Weight (kg)\nred,m1,4\n', { map });
      expect(await inputs(job.id)).toEqual([{ t: 'm1', l: 2, i: { crateId: 'm1', weight: 4 } }]);
    });

    test('a field of the common input fills what the rows leave blank', async () => {
      const job = await csv('crateId\nf1\n', { input: '{"weight":9}' });
      expect(await inputs(job.id)).toEqual([{ t: 'f1', l: 2, i: { crateId: 'f1' } }]);
    });

    test('a row that cannot run is an item that is told with line, column and field', async () => {
      const map = JSON.stringify({ crateId: 'Number', weight: 'Weight' });
      const job = await csv('Number,Weight\nr1, \nr2,heavy\n,3\nr4,4\n', { map });
      expect(job.total).toBe(4);
      const [blank, wrong, noId, fine] = (await inputs(job.id)) as Record<string, unknown>[];
      expect(blank).toMatchObject({ t: 'r1', l: 2, e: [{ path: 'weight' }] });
      expect(JSON.stringify(blank)).toContain('The column \\"Weight\\" is blank; ');
      expect(wrong).toMatchObject({ t: 'r2', l: 3, e: [{ path: 'weight' }] });
      expect(noId).toMatchObject({ t: null, l: 4, e: [{ path: 'crateId' }] });
      expect(fine).toEqual({ t: 'r4', l: 5, i: { crateId: 'r4', weight: 4 } });
    });

    test('a NUL character makes its row invalid, not the upload', async () => {
      const job = await csv('crateId,weight,owner\nn1,1,a\0b\nn2,2,b\n');
      expect(await inputs(job.id)).toMatchObject([{ e: [{ path: 'owner' }] }, { i: { crateId: 'n2' } }]);
    });

    test('what can be no id is no target: nothing of it is kept', async () => {
      const job = await csv('crateId,weight\na\0b,1\nada@example.com,1\n');
      const stored = await inputs(job.id);
      expect(stored).toMatchObject([
        { t: null, e: [{ path: 'crateId' }] },
        { t: null, e: [{ path: 'crateId' }] },
      ]);
      expect(JSON.stringify(stored)).not.toContain('ada@');
    });

    test.each([
      ['a quote that is never closed', 'crateId,weight\na,1\n"b,2\n', 'malformed_request', 'line 3'],
      ['text behind a closing quote', 'crateId,weight\n"a"x,1\n', 'malformed_request', 'line 2'],
      ['a quote inside a cell', 'crateId,weight\na,1\nb"c,2\n', 'malformed_request', 'line 3'],
      ['too many columns', 'crateId,weight\na,1\n\nb,2,3\n', 'malformed_request', 'line 4'],
      ['a cell of a megabyte', `crateId,weight\na,1\n${'x'.repeat(2 ** 20)},2\n`, 'too_large', 'line 3'],
      ['nothing at all', '', 'malformed_request', 'line 1'],
      ['a column that is no field', 'crateId,colour\na,red\n', 'invalid_input', 'header.colour'],
      ['a required column that is not there', 'crateId\na\n', 'invalid_input', 'header.weight'],
      ['a column twice', 'crateId,crateId\na,b\n', 'invalid_input', 'header'],
    ])('%s refuses the whole upload', async (_what, text, code, path) => {
      expect(await refusal(() => csv(text))).toMatchObject({ code, paths: [path] });
    });

    test('what stands far behind in a long upload refuses it all the same, and nothing is left', async () => {
      const rows = ids('late', 5_000).map((id) => `${id},1`);
      const refused = await refusal(() => csv(['crateId,weight', ...rows, 'x,1,2'].join('\n')));
      expect(refused).toMatchObject({ code: 'malformed_request', paths: ['line 5002'] });
      expect(
        (await db.app.query('SELECT count(*)::int AS n FROM bulk_chunks WHERE state IS NULL')).rows[0]?.n,
      ).toBe(0);
    });

    test('a mapped column that is missing is named, with those that are there', async () => {
      const map = JSON.stringify({ crateId: 'Id', weight: 'Kilo', size: 'Size' });
      const refused = await refusal(() => csv('Id,Weight\na,1\n', { map }));
      expect(refused).toMatchObject({ code: 'invalid_input', paths: ['map.weight', 'map.size'] });
      expect(refused.messages).toContain('no column "Kilo"; its columns are Id, Weight');
    });

    test('bytes that are no UTF-8 are refused', async () => {
      const text = Buffer.concat([Buffer.from('crateId,weight\n'), Buffer.from([0xff, 0xfe, 0x0a])]);
      expect(await refusal(() => csv(text))).toMatchObject({ code: 'invalid_input', paths: ['line 2'] });
    });

    test('a query parameter that is wrong is refused with its name', async () => {
      expect((await refusal(() => csv('crateId,weight\n', { map: 'rubbish' }))).paths).toEqual(['map']);
      expect((await refusal(() => csv('crateId,weight\n', { dryRun: 'perhaps' }))).paths).toEqual(['dryRun']);
      expect((await refusal(() => csv('crateId,weight\n', { expectedCount: '-1' }))).paths).toEqual([
        'expectedCount',
      ]);
      expect((await refusal(() => csv('crateId,weight\n', { size: '9' }))).paths).toEqual(['size']);
    });
  });

  describe('from NDJSON', () => {
    const ndjson = (text: string, query: Record<string, string> = {}) =>
      house.upload({ command: 'pack-crate', ...query }, text, { mediaType: 'application/x-ndjson' });

    test('a line nested without end is an item that is told so', async () => {
      const job = await ndjson(`{"crateId":"deep","weight":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n`);
      const { rows } = await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1', [job.id]);
      expect(rows[0]?.inputs).toMatchObject([{ t: 'deep', e: [{ path: 'weight' }] }]);
    });

    test('each line is an item, blank ones are skipped', async () => {
      const job = await ndjson(
        '{"crateId":"j1","weight":1}\r\n\r\n{"crateId":"j2","weight":"x"}\n{"crateId":"j3","weight":2}',
      );
      expect(job).toMatchObject({ total: 3, source: 'ndjson' });
      const { rows } = await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1', [job.id]);
      expect(rows[0]?.inputs).toMatchObject([
        { t: 'j1', l: 1 },
        { t: 'j2', l: 3, e: [{ path: 'weight' }] },
        { t: 'j3', l: 4 },
      ]);
    });

    test.each([
      ['a line that is no JSON', '{"crateId":"a","weight":1}\n{"crateId":', 'malformed_request', 'line 2'],
      ['a line that is no object', '[1]\n', 'malformed_request', 'line 1'],
      ['a line of half a megabyte', `\n{"crateId":"${'x'.repeat(2 ** 19)}"}\n`, 'too_large', 'line 2'],
    ])('%s refuses the whole upload', async (_what, text, code, path) => {
      expect(await refusal(() => ndjson(text))).toMatchObject({ code, paths: [path] });
    });

    test('half of a surrogate pair makes its line an invalid item', async () => {
      const job = await ndjson('{"crateId":"s1","weight":1,"owner":"\\ud800"}\n');
      const { rows } = await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1', [job.id]);
      expect(rows[0]?.inputs).toMatchObject([{ e: [{ path: 'owner' }] }]);
    });
  });

  describe('with an idempotency key', () => {
    const keyed = (idempotencyKey: string, body: object, principal = ann) =>
      house.bulk.accept.fromBody({ principal, idempotencyKey, body });
    const body = { ...move, targets: ['k1'] };

    test('a repetition answers the job that was accepted then', async () => {
      const first = await keyed('key-1', body);
      const before = await jobs();
      const second = await keyed('key-1', body);
      expect([first.replayed, second.replayed]).toEqual([false, true]);
      expect(second.job.id).toBe(first.job.id);
      expect(await jobs()).toBe(before);
    });

    test('for something else it is refused, also after a command used it', async () => {
      await keyed('key-2', body);
      await expect(keyed('key-2', { ...body, targets: ['k2'] })).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      });
      await house.runWithKey('key-3', 'pack-crate', { crateId: 'key3', weight: 1 });
      await expect(keyed('key-3', body)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
      expect((await keyed('key-2', { ...body, targets: ['k2'] }, person('eve', everything))).replayed).toBe(
        false,
      );
    });

    test('repetitions at the same time become one job', async () => {
      const before = await jobs();
      const accepted = await Promise.all(Array.from({ length: 5 }, () => keyed('key-4', body)));
      expect(new Set(accepted.map(({ job }) => job.id)).size).toBe(1);
      expect(accepted.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(await jobs()).toBe(before + 1);
    });

    test('an upload is told by its content', async () => {
      const send = (text: string) =>
        house.bulk.accept.fromUpload({
          principal: ann,
          idempotencyKey: 'key-5',
          mediaType: 'text/csv',
          query: { command: 'pack-crate' },
          content: inPieces(text),
        });
      const first = await send('crateId,weight\nu1,1\n');
      expect((await send('crateId,weight\nu1,1\n')).job.id).toBe(first.job.id);
      await expect(send('crateId,weight\nu1,2\n')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    });
  });

  test('what people wrote is sealed: label, filter, common input and reason are nowhere in the clear', async () => {
    const secret = 'Rosalind';
    await house.bulk.accept.fromBody({
      principal: ann,
      reason: `${secret} asked`,
      body: {
        command: 'move-crate',
        label: secret,
        input: { to: secret, reason: secret },
        where: { at: secret },
      },
    });
    const { rows } = await db.owner.query(
      'SELECT data::text || metadata::text AS t FROM events UNION ALL SELECT j::text FROM bulk_jobs j',
    );
    expect(rows.map((row) => row.t).join()).not.toContain(secret);
    const [job] = (await house.bulk.jobs.list({ principal: ann, limit: 1 })).data;
    expect(job).toMatchObject({ label: secret, where: { at: secret } });
  });

  test('an upload whose process died is never seen and is dropped', async () => {
    const content = (async function* () {
      yield Buffer.from(
        `crateId,weight\n${ids('died', 2_000)
          .map((id) => `${id},1\n`)
          .join('')}`,
      );
      await new Promise(() => undefined);
    })();
    const seen = new Set(
      (await house.bulk.jobs.list({ principal: ann, limit: 200 })).data.map(({ id }) => id),
    );
    void house.bulk.accept.fromUpload({
      principal: ann,
      mediaType: 'text/csv',
      query: { command: 'pack-crate' },
      content,
    });
    const staged = async () => (await db.app.query(`SELECT id FROM bulk_jobs WHERE state = 'staging'`)).rows;
    while ((await staged()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    const list = (await house.bulk.jobs.list({ principal: ann, limit: 200 })).data;
    expect(list.filter(({ id }) => !seen.has(id))).toEqual([]);
    await db.app.query(`UPDATE bulk_jobs SET touched_at = now() - interval '1 hour' WHERE state = 'staging'`);
    const worker = house.openBulk();
    await worker.start();
    while ((await staged()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await worker.stop();
  });

  test('jobs are listed newest first, page by page, by state and command', async () => {
    const all = (await house.bulk.jobs.list({ principal: ann, limit: 200 })).data;
    const paged = [];
    for (let cursor: string | undefined; ; ) {
      const page = await house.bulk.jobs.list({
        principal: ann,
        limit: 7,
        ...(cursor === undefined ? {} : { cursor }),
      });
      paged.push(...page.data);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect([...all].sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1)).map(({ id }) => id)).toEqual(
      all.map(({ id }) => id),
    );
    const moves = await house.bulk.jobs.list({ principal: ann, command: 'move-crate', limit: 200 });
    expect(new Set(moves.data.map(({ command }) => command))).toEqual(new Set(['move-crate']));
    await expect(house.bulk.jobs.list({ principal: ann, cursor: 'forged' })).rejects.toMatchObject({
      code: 'malformed_request',
    });
    await expect(house.bulk.jobs.list({ principal: ann, states: ['asleep'] })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(house.bulk.jobs.get({ principal: ann, id: 'unknown' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
