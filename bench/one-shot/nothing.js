// The life of a program that does nothing: what Node itself costs.
process.on("exit", () => console.log(JSON.stringify(process.cpuUsage())));
