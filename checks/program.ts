/** The project as the TypeScript compiler sees it, for the checks of its own source. */
import { relative } from "node:path";
import ts from "typescript";

const root = new URL("..", import.meta.url).pathname;

/** A source file of ours, by its path from the root. */
export interface OwnSource {
  readonly path: string;
  readonly file: ts.SourceFile;
}

export interface OwnProgram {
  readonly checker: ts.TypeChecker;
  readonly sources: readonly OwnSource[];
}

/** Everything that `tsconfig.json` names but what is generated. Throws where that cannot be read. */
export function ownProgram(): OwnProgram {
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  };
  const config = ts.getParsedCommandLineOfConfigFile(`${root}tsconfig.json`, {}, host);
  if (config === undefined) throw new Error("tsconfig.json cannot be read");
  const program = ts.createProgram(config.fileNames, config.options);
  const sources = program
    .getSourceFiles()
    .map((file) => ({ path: relative(root, file.fileName), file }))
    .filter(({ path }) => !/^\.\.|^node_modules\/|^prisma\/generated\//.test(path));
  return { checker: program.getTypeChecker(), sources };
}

/** What a user of the product runs: all but tests, benchmarks and checks. */
export function isProduct({ path }: OwnSource): boolean {
  return !/^(test|bench|checks)\/|\.config\./.test(path);
}

/** Every node of a file, from the top. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

/** From the first line of a node to its last, what is said before it left out. */
export function linesOf(file: ts.SourceFile, node: ts.Node): number {
  const lineAt = (position: number): number => file.getLineAndCharacterOfPosition(position).line;
  return lineAt(node.getEnd()) - lineAt(node.getStart(file)) + 1;
}

/** The line on which a node begins, from 1. */
export function lineAt(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}
