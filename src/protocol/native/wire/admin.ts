// Requests to the library itself. Source: spec/protocol.md, "Admin".

export const adminOperations = { describe: 1, shutdown: 2 } as const;

/** Max bytes of the data of such a request. */
export const maxAdminBytes = 1_024;
