// Runs the bundled extension against the real server. `vscode` is replaced by as much of an editor as it asks for.
"use strict";
const Module = require("node:module");

const registered = new Map();
const shown = [];
const toasts = [];
let information;

const nothing = { dispose() {} };
const channel = { clear: () => (shown.length = 0), appendLine: (line) => shown.push(`${line}\n`), show() {} };
const log = { onDidChangeLogLevel: () => nothing, dispose() {}, ...channel, append() {}, appendLine() {}, info() {}, warn() {}, error() {}, debug() {}, trace() {} };

/** Whatever else is asked for: a class that can be extended, made, called, and whose events nobody fires. */
function anything() {
  class Anything {}
  return new Proxy(Anything, {
    get: (made, name) =>
      name in made ? made[name] : /^on[A-Z]|^register/.test(String(name)) ? () => nothing : undefined,
  });
}

function part(known) {
  return new Proxy(known, {
    get: (made, name) => {
      if (name in made || typeof name === "symbol") return made[name];
      if (/^on[A-Z]|^register|^create/.test(name)) return () => nothing;
      return (made[name] = anything());
    },
  });
}

class Kind {
  constructor(value) {
    this.value = value;
  }
  append(part) {
    return new Kind(this.value ? `${this.value}.${part}` : part);
  }
}

class EventEmitter {
  listeners = new Set();
  event = (listener) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(event) {
    for (const listener of this.listeners) listener(event);
  }
  dispose() {}
}

const toast = async (text) => void toasts.push(text);
const vscode = part({
  version: "1.91.0",
  EventEmitter,
  CodeActionKind: { Empty: new Kind("") },
  env: { language: "en", appName: "a test", uiKind: 1 },
  workspace: part({
    textDocuments: [],
    notebookDocuments: [],
    workspaceFolders: undefined,
    getConfiguration: () => ({ get: (name, other) => (name === "path" ? process.env.KLAPP_COMMAND : other) }),
  }),
  window: part({
    activeTextEditor: undefined,
    tabGroups: part({ all: [] }),
    visibleTextEditors: [],
    createOutputChannel: (name) => (name === "klapp" ? channel : log),
    showInformationMessage: async (text) => ((information = text), text),
    showErrorMessage: toast,
    showWarningMessage: toast,
  }),
  commands: part({
    registerCommand: (name, answer) => (registered.set(name, answer), nothing),
    executeCommand: async () => undefined,
  }),
  languages: part({ createDiagnosticCollection: () => part({ set() {}, delete() {}, clear() {}, dispose() {} }) }),
});

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

(async () => {
  const extension = require(process.argv[2]);
  await extension.activate({ subscriptions: [] });
  const run = (name, ...given) => registered.get(name)(...given);
  await run("klapp.permissions");
  const none = information;
  const permissions = await run("klapp.permissions", process.env.COWORKER, 1);
  const test = await run("klapp.test", process.env.COWORKER);
  if (information !== none) toasts.push(information);
  await extension.deactivate();
  process.stdout.write(
    JSON.stringify({ registered: [...registered.keys()].sort(), none, permissions, test, shown: shown.join(""), toasts }),
  );
})().catch((error) => {
  process.stderr.write(`${error.stack}\n${toasts.join("\n")}\n`);
  process.exit(1);
});
