// The same on raw `net` with the least cryptography that an encrypted connection can do: a key pair on P-384, an agreement, and a
// record in each direction. Its server sends back what it gets, so it agrees with itself.
import { createCipheriv, createDecipheriv, createECDH, hkdfSync } from "node:crypto";
import { connect } from "node:net";

const keyPair = createECDH("secp384r1");
const shared = keyPair.computeSecret(keyPair.generateKeys());
const key = Buffer.from(hkdfSync("sha256", shared, "", "records", 32));
const nonce = Buffer.alloc(12);
const question = Buffer.from("what is the time?");
const sealing = createCipheriv("aes-256-gcm", key, nonce);
const sealed = Buffer.concat([sealing.update(question), sealing.final(), sealing.getAuthTag()]);
const header = Buffer.alloc(4);
header.writeUInt32BE(sealed.length);
const socket = connect(process.argv[2]);
socket.write(Buffer.concat([header, sealed]));
let received = Buffer.alloc(0);
socket.on("data", (chunk) => {
  received = Buffer.concat([received, chunk]);
  if (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) return;
  const opening = createDecipheriv("aes-256-gcm", key, nonce).setAuthTag(received.subarray(-16));
  const opened = Buffer.concat([opening.update(received.subarray(4, -16)), opening.final()]);
  if (!opened.equals(question)) throw new Error("a wrong answer");
  socket.end();
});
process.on("exit", () => console.log(JSON.stringify(process.cpuUsage())));
