export { Client, type ClientEvents, createClient, startClient } from "./endpoint/client.ts";
export { Connection, type ConnectionEvents } from "./endpoint/connection.ts";
export type { EndpointEvents } from "./endpoint/endpoint.ts";
export { Endpoint } from "./endpoint/endpoint.ts";
export { ConnectionMessage, Message, type MessageData } from "./endpoint/message.ts";
export type {
  ClientOptions,
  EndpointOptions,
  ReadOptions,
  ServerOptions,
  Trust,
} from "./endpoint/options.ts";
export { Server, type ServerEvents, startServer } from "./endpoint/server.ts";
export type { Status } from "./endpoint/status.ts";
export {
  CallerError,
  type CallerErrorCode,
  type ErrorCode,
  errorCodes,
  type Fault,
  PeerError,
  type PeerErrorCode,
  SealpipeError,
  SystemError,
  type SystemErrorCode,
} from "./errors.ts";
