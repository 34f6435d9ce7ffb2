/**
 * Short names for the members of our own classes, since minifiers leave the names of properties be.
 *
 * Each one is renamed as an editor renames it, by the types, so that a property of the browser or of
 * a message that happens to be called the same keeps its name. Where a class is used as an interface
 * without saying `implements`, the renamed sources have a type error, and this throws it.
 */

import path from "node:path";
import ts from "typescript";
import { closeClasses } from "./closures.mjs";

/** What the renamed members begin with: a pattern for esbuild's `mangleProps`. */
export const RENAMED = /^_own_/;

/**
 * The sources of a project, by path, with the members of their classes renamed.
 *
 * @param {string} folder Of tsconfig.json.
 * @param {string} sources Folder of the sources.
 * @param {string} users Folder of what uses them, which is to follow; "" for none.
 * @returns {Map<string, string>}
 */
export function renameMembers(folder, sources, users = "") {
  return renameProject(folder, sources, users).renamed;
}

/**
 * The same, with classes as functions besides.
 *
 * @param {string} folder
 * @param {string} sources
 * @param {string} users
 * @returns {Map<string, string>}
 */
export function shortenClasses(folder, sources, users = "") {
  const { renamed, program, ours } = renameProject(folder, sources, users);
  return closeClasses(program, [...renamed.keys()], ours);
}

function renameProject(folder, sources, users) {
  const config = ts.readConfigFile(path.join(folder, "tsconfig.json"), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
  const ours = ts.sys.readDirectory(sources, [".ts"]);
  const files = [...ours, ...(users ? ts.sys.readDirectory(users, [".ts"]) : [])];
  const texts = new Map(files.map((file) => [file, ts.sys.readFile(file) ?? ""]));
  const service = serviceOf(files, texts, options, folder);
  const renamed = new Map(files.map((file) => [file, changed(texts, file, new Map())]));
  for (const [file, edits] of findEdits(service, files, ours))
    renamed.set(file, changed(texts, file, edits));
  const checked = serviceOf(files, renamed, options, folder);
  refuseErrors(checked, files);
  return { renamed, program: checked.getProgram(), ours };
}

/** By file and place, what is written in place of how many characters. */
function findEdits(service, files, ours) {
  const all = new Map(files.map((file) => [file, new Map()]));
  const visit = (file, node) => {
    const name = isMember(node) ? node.name : undefined;
    if (name && !all.get(file).has(name.getStart()))
      for (const { fileName, textSpan, prefixText = "", suffixText = "" } of placesOf(
        service,
        name,
      ))
        all
          .get(fileName)
          .set(textSpan.start, [textSpan.length, `${prefixText}_own_${name.text}${suffixText}`]);
    ts.forEachChild(node, (child) => visit(file, child));
  };
  for (const file of ours) {
    const source = service.getProgram().getSourceFile(file);
    ts.forEachChild(source, (node) => visit(file, node));
  }
  return all;
}

/** Whether it declares a field, a method or an accessor, be it as a parameter of a constructor. */
function isMember(node) {
  if (!node.name || !ts.isIdentifier(node.name)) return false;
  if (ts.isParameter(node)) return ts.isParameterPropertyDeclaration(node, node.parent);
  return ts.isClassElement(node) && ts.isClassLike(node.parent);
}

function placesOf(service, name) {
  const file = name.getSourceFile().fileName;
  const preferences = { providePrefixAndSuffixTextForRename: true };
  return service.findRenameLocations(file, name.getStart(), false, false, preferences) ?? [];
}

function changed(texts, file, edits) {
  let text = texts.get(file);
  for (const [start, [length, name]] of [...edits].sort(([a], [b]) => b - a))
    text = text.slice(0, start) + name + text.slice(start + length);
  return text;
}

function serviceOf(files, texts, options, folder) {
  const read = (file) => texts.get(file) ?? ts.sys.readFile(file);
  return ts.createLanguageService({
    getScriptFileNames: () => files,
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) => {
      const text = read(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => folder,
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: read,
    readDirectory: ts.sys.readDirectory,
  });
}

function refuseErrors(service, files) {
  const found = files.flatMap((file) => service.getSemanticDiagnostics(file));
  if (found.length === 0) return;
  const host = {
    getCanonicalFileName: (file) => file,
    getCurrentDirectory: process.cwd,
    getNewLine: () => "\n",
  };
  throw new Error(`With short names the types do not fit:\n${ts.formatDiagnostics(found, host)}`);
}
