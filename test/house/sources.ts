/** The source files, parsed: what they import and what stands in them. For tests of the house's rules. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Module, parseSync } from '@swc/core';

export const root = path.resolve(import.meta.dirname, '../..');

export interface Import {
  /** As written: a package, or a path. */
  readonly specifier: string;
  /** Of an own file: its path below `src`. */
  readonly target: string | undefined;
}

/** A node of the syntax tree, of which a rule looks at a few members. */
export interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

export interface Source {
  /** Below `src`, with forward slashes. */
  readonly file: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly nodes: readonly Node[];
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

function* nodesIn(value: unknown): Generator<Node> {
  if (isNode(value)) yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) yield* nodesIn(member);
}

const specifiersIn = (nodes: readonly Node[]): readonly string[] =>
  nodes.flatMap((node) => {
    const { type, source, callee, arguments: given } = node;
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(type) && isNode(source)) {
      return [String(source.value)];
    }
    if (type !== 'CallExpression' || !isNode(callee) || callee.type !== 'Import') return [];
    return [...nodesIn(given)].filter((one) => one.type === 'StringLiteral').map((one) => String(one.value));
  });

const parsed = (text: string): Module => parseSync(text, { syntax: 'typescript', target: 'es2022' });

const read = (file: string): Source => {
  const text = readFileSync(path.join(root, 'src', file), 'utf8');
  const nodes = [...nodesIn(parsed(text))];
  const imports = specifiersIn(nodes).map((specifier) => ({
    specifier,
    target: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : undefined,
  }));
  return { file, text, lines: text.split('\n'), imports, nodes };
};

/** Every path below a folder of the repository, files only. */
export const filesIn = (folder: string): readonly string[] =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(path.join(root, folder), path.join(entry.parentPath, entry.name)))
    .map((file) => file.split(path.sep).join('/'))
    .sort();

export const sources: readonly Source[] = filesIn('src')
  .filter((file) => file.endsWith('.ts'))
  .map(read);

/** The texts that stand in a file: literals, and the pieces of templates. */
export const textsIn = ({ nodes }: Source): readonly string[] =>
  nodes.flatMap(({ type, value, raw, cooked }) => {
    if (type === 'StringLiteral') return [String(value)];
    return type === 'TemplateElement' ? [String(cooked ?? raw)] : [];
  });

/** Member accesses as written, such as `process.env`. */
export const membersIn = ({ nodes }: Source): readonly string[] =>
  nodes.flatMap(({ type, object, property }) => {
    if (type !== 'MemberExpression' || !isNode(object) || !isNode(property)) return [];
    return object.type === 'Identifier' ? [`${object.value}.${property.value}`] : [];
  });
