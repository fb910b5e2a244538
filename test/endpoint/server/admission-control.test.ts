import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PeerError } from "sealpipe";
import { AdmissionControl } from "#dist/endpoint/server/admission-control.js";
import type { Connection } from "#dist/endpoint/server/connection.js";

/** What admission asks of a connection. */
class RecordingConnection {
  hasUnread = false;
  error: PeerError | undefined;

  evict(error: PeerError): void {
    this.error = error;
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

function setUp(maxConnections: number, maxPendingHandshakes = maxConnections) {
  const admission = new AdmissionControl({ maxConnections, maxPendingHandshakes });
  const accept = (): RecordingConnection => {
    const connection = new RecordingConnection();
    admission.accepted(connection.asConnection);
    return connection;
  };
  const open = (): RecordingConnection => {
    const connection = accept();
    admission.opened(connection.asConnection);
    return connection;
  };
  return { admission, accept, open };
}

describe("a server's admission control", () => {
  test("refuses a client while all places are taken by connections that are open", () => {
    const { admission, open } = setUp(2);
    open();
    assert.equal(admission.refusal(), undefined);
    const second = open();
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
    admission.released(second.asConnection);
    assert.equal(admission.refusal(), undefined);
  });

  test("counts one that is gone until what came by it is read", () => {
    const { admission, open } = setUp(1);
    const connection = open();
    connection.hasUnread = true;
    admission.released(connection.asConnection);
    assert.deepEqual([...admission.held], []);
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
    connection.hasUnread = false;
    assert.equal(admission.refusal(), undefined);
  });

  test("does not count one whose client may come back, until it is back", () => {
    const { admission, open } = setUp(1);
    const connection = open();
    admission.parted(connection.asConnection);
    assert.equal(admission.refusal(), undefined);
    admission.resumed(connection.asConnection);
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
  });

  test("refuses nobody while a handshake can give way, which is the oldest", () => {
    const { admission, accept, open } = setUp(2);
    open();
    const oldest = accept();
    assert.equal(admission.makeRoom(), undefined);
    assert.equal(admission.refusal(), undefined);
    const newest = accept();
    const evicted = admission.makeRoom();
    assert.equal(evicted?.connection, oldest.asConnection);
    assert.equal(evicted?.error.code, "ERR_TOO_MANY_HANDSHAKES");
    assert.equal(oldest.error, evicted?.error);
    assert.equal(newest.error, undefined);
    assert.equal(admission.makeRoom(), undefined, "its place is free at once");
  });

  test("lets one that has had a turn give way as late as one that has just come, and only in its handshake", () => {
    const { admission, accept, open } = setUp(3);
    const [first, second, opened] = [accept(), accept(), open()];
    admission.tookTurn(first.asConnection);
    admission.tookTurn(opened.asConnection);
    accept();
    assert.equal(admission.makeRoom()?.connection, second.asConnection);
    accept();
    assert.equal(admission.makeRoom()?.connection, first.asConnection);
  });

  test("lets a handshake give way where there are too many, though there are places", () => {
    const { admission, accept } = setUp(100, 1);
    const oldest = accept();
    accept();
    assert.equal(admission.makeRoom()?.connection, oldest.asConnection);
    assert.equal(admission.makeRoom(), undefined);
  });

  test("lets nobody give way once all handshakes are over", () => {
    const { admission, open } = setUp(1);
    open();
    open();
    assert.equal(admission.makeRoom(), undefined);
  });
});
