/** Tests that cannot pass on a runtime, and why. */
export interface Exception {
  /** The tests' file and name, joined by `: `. */
  readonly tests: RegExp;
  readonly why: string;
}

/** By the first word of the runtime's title. */
export const cannot: Readonly<Record<string, readonly Exception[]>> = {
  Bun: [
    {
      tests: /(async-listeners.*with a mistake of its own|listener-mistakes.*is an uncaught exception)/,
      why: "its test runner catches an uncaught error before the test can",
    },
    {
      tests: /(does not mind a peer that was in time|keeps? no new client out)/,
      why: "after a timer that was late it runs `setImmediate` before it reads its sockets, so a peer can be blamed for a stall of our own process",
    },
    {
      tests: /(that is reset while it is paused|is at most maxDetached)/,
      why: "while a socket is paused, it does not report that a peer is gone that had not read everything",
    },
    {
      tests: /net-transport.*(that broke before it was started|is destroyed and started in one turn)/,
      why: "it reports `EBADF` for `EPIPE`, and the end of a socket that was destroyed",
    },
    {
      tests: /leaves no timer and no listener behind/,
      why: "`process.getActiveResourcesInfo` is empty there, so the test sees no timer",
    },
    {
      tests:
        /(without sending them, cost nothing to speak of|hostile\/native.*(gets no memory for bodies|sends more than the window|sends thousands of pings|may resume one session 1000 times|is sent no more than its window|keep nothing but themselves))/,
      why: "its processes' memory grows by itself, past what these tests allow",
    },
    {
      tests: /given-back\.test.*(in which a part is alone|is given back)/,
      why: "the output of its `node:crypto` is in memory that is a byte larger, and is left to the garbage collector",
    },
    {
      tests: /lets the process end after it is back as before/,
      why: "`process.getActiveResourcesInfo` is empty there, so the test waits for a socket in vain",
    },
    {
      tests: /lost-with-unread.*has yet to read it, and writes to it/,
      why: "now and then a socket whose write fails reports neither what is left to read nor its end",
    },
    {
      tests: /without-webassembly/,
      why: "it has no `--jitless`, so it is never without WebAssembly",
    },
    {
      tests: /process-exit\.test.*still sends what its client wrote/,
      why: "an unref'd socket does not keep the process alive for what it has yet to write, so a process that ends then loses that, unless it calls `close()`",
    },
  ],
  Deno: [
    {
      tests:
        /(loading\.test.*can be the first that is loaded|without-webassembly|self-test\.test.*if the self-test fails|first-use\.test|key-pairs\.test.*no longer than two take|batch-cipher\.test.*nothing of the library's own|wiped-memory\.test)/,
      why: "its `--eval` does not allow `await`, as Node's does, so the test cannot begin",
    },
    {
      tests: /costly-steps\.test.*come soon for a newcomer/,
      why: "one `setImmediate` after another comes before its sockets are read, so the steps that wait are taken before what arrives meanwhile",
    },
    {
      tests: /does not mind a peer that was in time/,
      why: "after a timer that was late it runs `setImmediate` before it reads its sockets, so a peer can be blamed for a stall of our own process",
    },
    {
      tests:
        /(without sending them, cost nothing to speak of|hostile\/native.*(gets no memory for bodies|sends more than the window|sends thousands of pings|may resume one session 1000 times|is sent no more than its window|keep nothing but themselves))/,
      why: "its processes' memory grows by itself, past what these tests allow",
    },
    {
      tests:
        /(net-transport.*first reads everything it had sent|keeps what is written meanwhile for the next)/,
      why: "a socket whose write fails drops what the peer had sent and nobody has read yet",
    },
    {
      tests: /net-transport\.test.*(ended with nothing|that is reset while it is paused)/,
      why: "a socket that is reset while it is paused does not report that",
    },
    {
      tests: /process-exit\.test.*still sends what its client wrote/,
      why: "an unref'd socket does not keep the process alive for what it has yet to write, so a process that ends then loses that, unless it calls `close()`",
    },
    {
      tests: /lets the process end after it is back as before/,
      why: "`process.getActiveResourcesInfo` lists no sockets there, so the test sees none",
    },
    {
      tests: /unix-socket\.test.*is not looked for if that is not wanted/,
      why: "its own code calls the `setTimeout` that the test watches",
    },
  ],
};

/** Why that test cannot pass there, if it cannot. */
export function reasonFor(title: string, test: string): string | undefined {
  const exceptions = cannot[title.split(" ", 1)[0] as string] ?? [];
  return exceptions.find(({ tests }) => tests.test(test))?.why;
}
