import * as sealpipe from "sealpipe";
import converse from "./conversation.js";

await converse(sealpipe, `sealpipe-runners-${process.pid}`);
console.log("talked");
