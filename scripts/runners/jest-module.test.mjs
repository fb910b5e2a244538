import * as sealpipe from "sealpipe";
import converse from "./conversation.js";

test("a conversation between modules", async () => {
  await converse(sealpipe, `sealpipe-runners-${process.pid}-module`);
});
