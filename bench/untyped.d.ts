// What comes without types: what the benchmark uses of it.
declare module "node-ipc" {
  export { IPCModule } from "@achrinza/node-ipc";
}

declare module "@achrinza/node-ipc" {
  import type { Socket } from "node:net";

  interface Server {
    start(): void;
    stop(): void;
    on(event: string, listener: (data: unknown, socket: Socket) => void): void;
    emit(socket: Socket, event: string, data: unknown): void;
    broadcast(event: string, data: unknown): void;
  }

  interface Client {
    socket: Socket;
    on(event: string, listener: (data: unknown) => void): void;
    emit(event: string, data: unknown): void;
  }

  export class IPCModule {
    config: { id: string; silent: boolean; maxConnections: number; retry: number; stopRetrying: boolean };
    server: Server;
    of: Record<string, Client>;
    serve(path: string, callback: () => void): void;
    connectTo(id: string, path: string, callback: () => void): void;
    disconnect(id: string): void;
  }
}

// Node has it from 23.9 on; the types are those of an older one.
declare namespace NodeJS {
  interface Process {
    /** Of the calling thread, in microseconds. */
    threadCpuUsage(previous?: CpuUsage): CpuUsage;
  }
}
