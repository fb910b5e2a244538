/**
 * Servers and clients by name: messages, requests and streams of bytes.
 *
 * @module sealpipe
 */

export {
  type AddressState,
  type HoldingProcess,
  type InspectOptions,
  inspectAddress,
  type ListOptions,
  listAddresses,
} from "./endpoint/addresses.ts";
export type { ShutdownHandler, ShutdownRequest } from "./endpoint/admin/admin-handlers.ts";
export type { ServerDescription } from "./endpoint/admin/description.ts";
export { Client, type ClientEvents } from "./endpoint/client/client.ts";
export { type DialOptions, dial } from "./endpoint/client/dial.ts";
export type { Retry } from "./endpoint/client/retries.ts";
export { createClient, startClient } from "./endpoint/client/start-client.ts";
export type {
  DiagnosticsAbout,
  DiagnosticsData,
  DiagnosticsEvents,
  DiagnosticsOpen,
  TracedCall,
} from "./endpoint/diagnostics-events.ts";
export type { EndpointEvents } from "./endpoint/endpoint.ts";
export { Endpoint } from "./endpoint/endpoint.ts";
export type { LostSession } from "./endpoint/link/lost-session.ts";
export { Message, type MessageData } from "./endpoint/messages/message.ts";
export { Payload } from "./endpoint/messages/payload.ts";
export type {
  BroadcastOptions,
  OpenStreamOptions,
  ReadOptions,
  RequestOptions,
  Slow,
} from "./endpoint/options/call-options.ts";
export type { ContractIdentity, PeerInfo } from "./endpoint/options/native-options.ts";
export type {
  ClientOptions,
  EndpointOptions,
  MakeDuplex,
  ServerOptions,
  Trust,
} from "./endpoint/options/options.ts";
export type { TraceContext } from "./endpoint/options/trace-context.ts";
export {
  Answer,
  type HandlerAnswer,
  IncomingRequest,
  type RequestHandler,
  type RequestStart,
} from "./endpoint/requests/request.ts";
// Types alone: their module is loaded by the first server.
export type {
  Connection,
  ConnectionEvents,
  ConnectionMessage,
  ConnectionRequest,
  ConnectionStream,
} from "./endpoint/server/connection.ts";
export type { Server, ServerEvents } from "./endpoint/server/server.ts";
export { startServer } from "./endpoint/server/start-server.ts";
export type {
  AskedRequests,
  EndpointStats,
  HandledRequests,
  MessageCount,
  ServerStats,
} from "./endpoint/stats.ts";
export type { Status } from "./endpoint/status.ts";
export type { StreamHandler } from "./endpoint/streams/handled-streams.ts";
export { Item } from "./endpoint/streams/item.ts";
export { Stream } from "./endpoint/streams/stream.ts";
export type { ResetReason } from "./endpoint/streams/stream-errors.ts";
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
