import { addressInUse, connectNet, listenFailed, listenNet } from "./net-transport.ts";
import { setReferenced } from "./referenced.ts";
import { hasCode } from "./system-errors.ts";
import type { TransportProvider } from "./transport.ts";

/**
 * Windows named pipes. A pipe ends with the process that made it, so there is never a dead one to replace. There is
 * no half-close: when one side ends, both do, after the other has read what was written.
 */
export const namedPipes: TransportProvider = {
  connect: connectNet,

  async listen(address, options) {
    const { openToAllUsers } = options;
    try {
      const server = await listenNet(
        { path: address.path, readableAll: openToAllUsers, writableAll: openToAllUsers },
        options,
      );
      return {
        close: async () => {
          server.close();
        },
        setReferenced: (referenced) => setReferenced(server, referenced),
      };
    } catch (error) {
      if (hasCode(error, "EADDRINUSE")) throw addressInUse(address, "another server listens there", error);
      throw listenFailed(address, error);
    }
  },
};
