/** House rules that the linter does not know. `npm run lint` and the type checker keep the others. */
import { filesIn, membersIn, type Source, sources } from './sources.ts';

const linesMax = 300;
/** Code breaks at 110, which the formatter keeps; a comment may end with its word. */
const commentWidthMax = 120;

/** A concept is missing its name where one of these words has to serve. */
const emptyWords = /^(utils?|helpers?|common|shared|misc|managers?|dto|impl|services?)$/;

const folders = ['src', 'test', 'console/src', 'scripts', 'migrations'] as const;

const ownFiles = folders.flatMap((folder) =>
  filesIn(folder)
    .map((file) => `${folder}/${file}`)
    .filter((file) => !file.includes('/node_modules/')),
);

const files = (found: readonly Source[]): readonly string[] => found.map(({ file }) => file);

/** Known by reachable imports from where a process or a package begins. */
const reachable = (): ReadonlySet<string> => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = sources.find((one) => one.file === file);
    for (const { target } of source?.imports ?? []) if (target !== undefined) visit(target);
  };
  visit('index.ts');
  visit('main.ts');
  // Where a thread begins.
  visit('audit/verify/hand.ts');
  return seen;
};

describe('The house is tidy', () => {
  test(`no source file is longer than ${linesMax} lines`, () => {
    expect(files(sources.filter(({ lines }) => lines.length > linesMax + 1))).toEqual([]);
  });

  test('every source file begins by saying what it is for', () => {
    expect(files(sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)))).toEqual([]);
  });

  test(`comments are no wider than ${commentWidthMax} characters`, () => {
    const wide = sources.flatMap(({ file, lines }) =>
      lines.flatMap((line, at) =>
        /^\s*(\*|\/\/|\/\*\*) /.test(line) && line.length > commentWidthMax && !line.includes('biome-ignore')
          ? [`${file}:${at + 1}`]
          : [],
      ),
    );
    expect(wide).toEqual([]);
  });

  test('no file or folder has an empty name', () => {
    const words = (file: string): readonly string[] => file.split(/[/.-]/);
    // A service provider is what SAML calls us.
    const named = ownFiles.filter((file) => !file.endsWith('/saml/service-provider.ts'));
    expect(named.filter((file) => words(file).some((word) => emptyWords.test(word)))).toEqual([]);
  });

  test('names are in lower case, with hyphens', () => {
    const odd = ownFiles.filter((file) => !/^[a-z0-9/._-]+$/.test(file) && !/\/[A-Z]+\.md$/.test(file));
    expect(odd).toEqual([]);
  });

  test('no file is dead: each can be reached from the package or the program', () => {
    const alive = reachable();
    expect(files(sources.filter(({ file }) => !alive.has(file)))).toEqual([]);
  });

  test('`any` stands only where a comment says why', () => {
    const bare = sources.flatMap(({ file, lines, nodes }) => {
      const anys = nodes.filter(({ type, kind }) => type === 'TsKeywordType' && kind === 'any').length;
      const reasons = lines.filter((line) => /biome-ignore lint\/suspicious\/noExplicitAny: \S+/.test(line));
      return anys > 0 && reasons.length === 0 ? [file] : [];
    });
    expect(bare).toEqual([]);
  });

  test('nothing is asserted to be there by `!`', () => {
    expect(
      files(sources.filter(({ nodes }) => nodes.some(({ type }) => type === 'TsNonNullExpression'))),
    ).toEqual([]);
  });

  test('nothing writes to the console', () => {
    const writing = sources.filter((source) => membersIn(source).some((name) => name.startsWith('console.')));
    expect(files(writing)).toEqual([]);
  });

  test('nothing is left to be done', () => {
    expect(files(sources.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)))).toEqual([]);
  });
});
