// Stands in for what the extension uses of VS Code's module. The user answers each question with what the test says.
const { EventEmitter } = require("node:events");

const registered = new Map();
const user = Object.assign(new EventEmitter(), { answer: undefined, shown: [] });

module.exports = {
  window: {
    createStatusBarItem: () => ({
      show() {},
      dispose() {},
      set text(text) {
        user.emit("status", text);
      },
    }),
    showInputBox: async () => user.answer,
    showInformationMessage: async (text) => user.shown.push(text),
    showQuickPick: async (items) => user.shown.push(items.join(", ")),
  },
  commands: {
    registerCommand(name, run) {
      registered.set(name, run);
      return { dispose: () => registered.delete(name) };
    },
  },
  // Of the test.
  registered,
  user,
};
