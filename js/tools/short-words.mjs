/** Names of properties that a bundle says often, as variables: `a.fillStyle` is `a[b]`. */

import ts from "typescript";

/** Shorter ones gain nothing, and are what loops over pixels and frames use. */
const MIN_LENGTH = 6;
const LOOPED = ["length"];
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$_";

/**
 * Code that has been shortened otherwise, with variables for the names of properties where that
 * makes it shorter.
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
    const name = propertyOf(node);
    if (name) {
      const found = places.get(name.text) ?? [];
      places.set(name.text, [...found, node]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const free = [...LETTERS].flatMap((a) => [...LETTERS].map((b) => a + b));
  const names = free.filter((one) => !taken.has(one) && !ts.stringToToken(one));
  const edits = [];
  const variables = [];
  for (const [word, nodes] of places) {
    const name = names[variables.length];
    const changes = nodes.map((node) => [node, editOf(node, name)]);
    const saved = changes.reduce(
      (sum, [, [start, end, text]]) => sum + end - start - text.length,
      0,
    );
    if (word.length < MIN_LENGTH || LOOPED.includes(word) || saved < word.length + 6) continue;
    variables.push(`${name}="${word}"`);
    edits.push(...changes.map(([, edit]) => edit));
  }
  let text = code;
  for (const [start, end, written] of edits.sort(([a], [b]) => b - a))
    text = text.slice(0, start) + written + text.slice(end);
  return variables.length > 0 ? `const ${variables.join(",")};${text}` : text;
}

/** The name of a property that is read, or that an object or a pattern says. */
function propertyOf(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name;
  if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) return node.name;
  if (ts.isBindingElement(node) && node.propertyName && ts.isIdentifier(node.propertyName))
    return node.propertyName;
  return undefined;
}

/** From where to where what is written. */
function editOf(node, name) {
  if (!ts.isPropertyAccessExpression(node)) {
    const key = node.propertyName ?? node.name;
    return [key.getStart(), key.end, `[${name}]`];
  }
  const written = node.questionDotToken ? `?.[${name}]` : `[${name}]`;
  return [node.expression.end, node.end, written];
}
