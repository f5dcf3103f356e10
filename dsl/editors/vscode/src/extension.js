// The client: starts `klapp lsp`, and shows the answers of the buttons in a channel of their own.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

/** The commands that the server answers about one document; from the palette they come without it. */
const ABOUT_A_DOCUMENT = new Set(["klapp.permissions", "klapp.simulate", "klapp.test"]);

/** @type {LanguageClient | undefined} */
let client;
/** @type {vscode.OutputChannel} */
let answers;

exports.activate = async function activate(context) {
  answers = vscode.window.createOutputChannel("klapp");
  context.subscriptions.push(
    answers,
    vscode.commands.registerCommand("klapp.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("klapp.path") && restart()),
  );
  await start();
};

exports.deactivate = () => client?.stop();

async function restart() {
  await client?.dispose();
  client = undefined;
  await start();
}

async function start() {
  const command = vscode.workspace.getConfiguration("klapp").get("path") || "klapp";
  client = new LanguageClient(
    "klapp",
    "klapp language server",
    { command, args: ["lsp"], transport: TransportKind.stdio },
    {
      documentSelector: [{ language: "klr" }],
      initializationOptions: { answers: "returned" },
      middleware: { executeCommand },
    },
  );
  try {
    await client.start();
  } catch (error) {
    const choice = await vscode.window.showErrorMessage(
      `klapp's language server did not start (${command}). Install klapp, or set the path of its command.`,
      "Set the path",
    );
    if (choice) await vscode.commands.executeCommand("workbench.action.openSettings", "klapp.path");
  }
}

/** Fill in the document where a command was given without one, and show the answer. */
async function executeCommand(command, given, next) {
  if (!ABOUT_A_DOCUMENT.has(command)) return next(command, given);
  const wanted = given.length ? given : documentAtHand();
  if (!wanted.length) {
    return vscode.window.showInformationMessage("Open a coworker (a .klr file) first.");
  }
  try {
    const answer = await next(command, wanted);
    answers.clear();
    answers.appendLine(String(answer));
    answers.show(true);
    return answer;
  } catch (error) {
    return vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

function documentAtHand() {
  const document = vscode.window.activeTextEditor?.document;
  return document?.languageId === "klr" ? [document.uri.toString()] : [];
}
