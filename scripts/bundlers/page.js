// A page that uses a daemon by a message port. Its own process, the one that drives the browser, has the connection.
import { openPort, PortError } from "sealpipe/port";

function show(text) {
  const line = document.createElement("li");
  line.textContent = text;
  document.querySelector("#lines").append(line);
}

// In Electron the port comes from the preload script, in this window; here from the page around this one.
const { ports } = await new Promise((resolve) => {
  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data.sealpipePort === "sealpipe") resolve(event);
  });
  window.parent.handOver();
});
const [port1] = ports;
const daemon = await openPort(port1);
const changed = new Promise((resolve) => daemon.on.changed(resolve));
show(`"hello" has ${await daemon.add("hello")} characters`);
show(`changed: ${await changed}`);

const counted = daemon.count(100_000);
for (let number = 1; number <= 3; number++) await counted.read();
window.counted = counted;
show("three items of a stream were read");

show(daemon.has("secret") || daemon.secret !== undefined ? "there is the secret" : "there is no secret");
const refused = new Promise((resolve) => {
  port1.addEventListener("message", ({ data: [word, id, error] }) => {
    if (word === "error" && id === 999) resolve(error);
  });
});
port1.postMessage(["call", 999, "secret", undefined]);
show(`asked for all the same: ${(await refused).code}`);
await daemon.add(5).catch((error) => {
  if (!(error instanceof PortError)) throw error;
  show(`add(5): ${error.code}`);
});
daemon.hang("until the page has gone").catch(() => {});
show("a call hangs");
