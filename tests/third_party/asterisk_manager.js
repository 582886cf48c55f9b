// A program that uses the npm package asterisk-manager: it logs in, sends the actions that its standard input names, a
// line of JSON each, and writes the responses and events that it is given, a line of JSON each.
"use strict";

const readline = require("readline");
const Manager = require("asterisk-manager");

const [host, port, username, secret] = process.argv.slice(2);
const manager = new Manager(null, host, username, secret, true);

function tell(what, message) {
  process.stdout.write(JSON.stringify({ what, message }) + "\n");
}

manager.on("managerevent", (event) => tell("event", event));
manager.connect(Number(port), host, () => manager.login((error) => tell("login", error || {})));
const input = readline.createInterface({ input: process.stdin });
input.on("line", (line) => manager.action(JSON.parse(line), (error, response) => tell("response", response)));
input.on("close", () => process.exit());
