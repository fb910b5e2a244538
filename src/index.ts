export { Client, type ClientEvents, createClient, startClient } from "./endpoint/client.ts";
export {
  Connection,
  type ConnectionEvents,
  ConnectionMessage,
  ConnectionRequest,
} from "./endpoint/connection.ts";
export type { EndpointEvents } from "./endpoint/endpoint.ts";
export { Endpoint } from "./endpoint/endpoint.ts";
export type { LostSession } from "./endpoint/lost-session.ts";
export { Message, type MessageData } from "./endpoint/message.ts";
export type { PeerInfo } from "./endpoint/native-options.ts";
export type {
  ClientOptions,
  EndpointOptions,
  ReadOptions,
  RequestOptions,
  ServerOptions,
  Trust,
} from "./endpoint/options.ts";
export { Answer, type HandlerAnswer, IncomingRequest, type RequestHandler } from "./endpoint/request.ts";
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
  RemoteError,
  SealpipeError,
  SystemError,
  type SystemErrorCode,
} from "./errors.ts";
