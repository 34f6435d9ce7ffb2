/** What a bundle says often, as variables: `a.fillStyle` is `a[b]`, and `"fillStyle"` is `b`. */

import ts from "typescript";

/** Names of shorter properties gain nothing, and are what loops over pixels and frames use. */
const MIN_LENGTH = 6;
const LOOPED = ["length"];
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$_";

/**
 * Code that has been shortened otherwise, with variables for the names of properties and for strings
 * where that makes it shorter.
 *
 * @param {string} code
 * @returns {string}
 */
export function nameOften(code) {
  const source = ts.createSourceFile("module.js", code, ts.ScriptTarget.Latest, true);
  const places = new Map();
  const taken = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node)) taken.add(node.text);
    const said = saidBy(node);
    if (said) places.set(said.text, [...(places.get(said.text) ?? []), node]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const free = [...LETTERS].flatMap((a) => [...LETTERS].map((b) => a + b));
  const names = free.filter((one) => !taken.has(one) && !ts.stringToToken(one));
  const edits = [];
  const variables = [];
  for (const [word, nodes] of places) {
    const name = names[variables.length];
    const changes = nodes.map((node) => editOf(node, name, code));
    const saved = changes.reduce((sum, [start, end, text]) => sum + end - start - text.length, 0);
    if (saved < word.length + 6) continue;
    variables.push(`${name}=${JSON.stringify(word)}`);
    edits.push(...changes);
  }
  let text = code;
  for (const [start, end, written] of edits.sort(([a], [b]) => b - a))
    text = text.slice(0, start) + written + text.slice(end);
  return variables.length > 0 ? `const ${variables.join(",")};${text}` : text;
}

/** The string that an expression is, or the name of a property where it is read, set or taken. */
function saidBy(node) {
  if (isString(node)) return isValue(node) ? node : undefined;
  const name = propertyOf(node);
  const pays = name && name.text.length >= MIN_LENGTH && !LOOPED.includes(name.text);
  return pays ? name : undefined;
}

/** The name of a property that is read, or that an object or a pattern says. */
function propertyOf(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name;
  if (ts.isPropertyAssignment(node) && isName(node.name)) return node.name;
  if (ts.isBindingElement(node) && node.propertyName && isName(node.propertyName))
    return node.propertyName;
  return undefined;
}

function isName(node) {
  return ts.isIdentifier(node) || ts.isStringLiteral(node);
}

function isString(node) {
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node);
}

/** Whether a variable may stand there. Engines know `typeof a == "string"` as it is. */
function isValue(node) {
  const { parent } = node;
  return !(
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isExpressionStatement(parent) ||
    ts.isTaggedTemplateExpression(parent) ||
    node === parent.name ||
    node === parent.propertyName ||
    (ts.isBinaryExpression(parent) &&
      (ts.isTypeOfExpression(parent.left) || ts.isTypeOfExpression(parent.right)))
  );
}

/** From where to where what is written. */
function editOf(node, name, code) {
  if (isString(node)) {
    const before = /[\w$]/.test(code[node.getStart() - 1]) ? " " : "";
    const after = /[\w$]/.test(code[node.end]) ? " " : "";
    return [node.getStart(), node.end, before + name + after];
  }
  if (!ts.isPropertyAccessExpression(node)) {
    const key = node.propertyName ?? node.name;
    return [key.getStart(), key.end, `[${name}]`];
  }
  const written = node.questionDotToken ? `?.[${name}]` : `[${name}]`;
  return [node.expression.end, node.end, written];
}
