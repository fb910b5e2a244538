export { Client, type ClientEvents, createClient, startClient } from "./endpoint/client/client.ts";
export type { Retry } from "./endpoint/client/connector.ts";
export type { EndpointEvents } from "./endpoint/endpoint.ts";
export { Endpoint } from "./endpoint/endpoint.ts";
export type { LostSession } from "./endpoint/link/lost-session.ts";
export { Message, type MessageData } from "./endpoint/messages/message.ts";
export type { PeerInfo } from "./endpoint/options/native-options.ts";
export type {
  BroadcastOptions,
  ClientOptions,
  EndpointOptions,
  ReadOptions,
  RequestOptions,
  ServerOptions,
  Slow,
  Trust,
} from "./endpoint/options/options.ts";
export {
  Answer,
  type HandlerAnswer,
  IncomingRequest,
  type RequestHandler,
} from "./endpoint/requests/request.ts";
export {
  Connection,
  type ConnectionEvents,
  ConnectionMessage,
  ConnectionRequest,
} from "./endpoint/server/connection.ts";
export { Server, type ServerEvents, startServer } from "./endpoint/server/server.ts";
export type { Status } from "./endpoint/status.ts";
export {
  CallerError,
  type CallerErrorCode,
  type ErrorCode,
  errorCodes,
  type Fault,
  PeerError,
  type PeerErrorCode,
  RemoteError,
  SealpipeError,
  SystemError,
  type SystemErrorCode,
} from "./errors.ts";
