import sealpipe = require("sealpipe");
import converse = require("./conversation.js");

const { startClient }: { startClient: (name: string) => Promise<sealpipe.Client> } = sealpipe;
void startClient;
converse(sealpipe, `sealpipe-runners-${process.pid}`).then(() => console.log("talked"));
