const sealpipe = require("sealpipe");
const converse = require("./conversation.js");

test(`a conversation where there is ${typeof document === "undefined" ? "no" : "a"} document`, async () => {
  await converse(sealpipe, `sealpipe-runners-${process.pid}-jest-${process.env.JEST_WORKER_ID}`);
});
