/** Functions of a module as constants that come first, which are shorter to say. */

import ts from "typescript";

/**
 * A module, with its functions written as arrow functions.
 *
 * @param {string} code
 * @returns {string}
 */
export function hoistFunctions(code) {
  const source = ts.createSourceFile("module.js", code, ts.ScriptTarget.Latest, true);
  const found = source.statements.filter((one) => ts.isFunctionDeclaration(one) && canBeArrow(one));
  const written = found.map((one) => {
    const isAsync = one.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword);
    const params = one.parameters.map((param) => param.getText()).join(", ");
    return `${one.name.text} = ${isAsync ? "async " : ""}(${params}) => ${one.body.getText()}`;
  });
  let rest = code;
  for (const one of [...found].reverse())
    rest = rest.slice(0, one.getStart()) + rest.slice(one.end);
  return written.length > 0 ? `const ${written.join(",\n")};\n${rest}` : rest;
}

/** Whether it uses nothing that arrow functions do not have. */
function canBeArrow(node) {
  const isOwn = (child) =>
    child.kind === ts.SyntaxKind.ThisKeyword ||
    (ts.isIdentifier(child) && child.text === "arguments") ||
    (ts.forEachChild(child, isOwn) ?? false);
  return !node.asteriskToken && !ts.forEachChild(node, isOwn);
}
