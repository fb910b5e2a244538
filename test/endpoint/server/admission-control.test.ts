import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import { AdmissionControl } from "#dist/endpoint/server/admission-control.js";
import type { ConnectionLife } from "#dist/endpoint/server/connection-life.js";

/** What admission asks of a handshake's driver and of the connection that comes of it. */
class RecordingClient {
  hasUnread = false;
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }

  get asDriver(): EngineDriver {
    return this as unknown as EngineDriver;
  }

  get asLife(): ConnectionLife {
    return this as unknown as ConnectionLife;
  }
}

function setUp(maxConnections: number, maxPendingHandshakes = maxConnections) {
  const admission = new AdmissionControl({ maxConnections, maxPendingHandshakes });
  const accept = (): RecordingClient => {
    const connection = new RecordingClient();
    admission.accepted(connection.asDriver);
    return connection;
  };
  const open = (): RecordingClient => {
    const connection = accept();
    admission.established(connection.asDriver, connection.asLife);
    return connection;
  };
  return { admission, accept, open };
}

describe("a server's admission control", () => {
  test("refuses a client while open connections have all places", () => {
    const { admission, open } = setUp(2);
    open();
    assert.equal(admission.refusal(), undefined);
    const second = open();
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
    admission.released(second.asLife);
    assert.equal(admission.refusal(), undefined);
  });

  test("counts one that is gone until what came by it is read", () => {
    const { admission, open } = setUp(1);
    const connection = open();
    connection.hasUnread = true;
    admission.released(connection.asLife);
    assert.deepEqual([...admission.held], []);
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
    connection.hasUnread = false;
    assert.equal(admission.refusal(), undefined);
  });

  test("does not count one whose client may come back, until it is back", () => {
    const { admission, open } = setUp(1);
    const connection = open();
    admission.parted(connection.asLife);
    assert.equal(admission.refusal(), undefined);
    admission.established(connection.asDriver, connection.asLife);
    assert.equal(admission.refusal()?.code, "ERR_TOO_MANY_CONNECTIONS");
  });

  test("refuses nobody while a handshake can give way, which is the oldest", () => {
    const { admission, accept, open } = setUp(2);
    open();
    const oldest = accept();
    assert.equal(admission.makeRoom(), undefined);
    assert.equal(admission.refusal(), undefined);
    const newest = accept();
    assert.equal(admission.makeRoom()?.code, "ERR_TOO_MANY_HANDSHAKES");
    assert.deepEqual([oldest.destroyed, newest.destroyed], [true, false]);
    assert.equal(admission.makeRoom(), undefined, "its place is free at once");
  });

  test("lets one that has had a turn give way as late as one that has just come, and only in its handshake", () => {
    const { admission, accept, open } = setUp(3);
    const [first, second, opened] = [accept(), accept(), open()];
    admission.tookTurn(first.asDriver);
    admission.tookTurn(opened.asDriver);
    accept();
    assert.ok(admission.makeRoom());
    assert.deepEqual([first.destroyed, second.destroyed], [false, true]);
    accept();
    assert.ok(admission.makeRoom());
    assert.deepEqual([first.destroyed, opened.destroyed], [true, false]);
  });

  test("lets a handshake give way if there are too many, though there are places", () => {
    const { admission, accept } = setUp(100, 1);
    const oldest = accept();
    accept();
    assert.ok(admission.makeRoom());
    assert.equal(oldest.destroyed, true);
    assert.equal(admission.makeRoom(), undefined);
  });

  test("counts a handshake that has failed until its transport is gone", () => {
    const { admission, accept } = setUp(1);
    const failed = accept();
    assert.equal(admission.refusal(), undefined, "it can give way");
    admission.failed(failed.asDriver);
    assert.equal(admission.refusal(), undefined);
    assert.equal(admission.makeRoom(), undefined);
  });

  test("lets nobody give way once all handshakes are over", () => {
    const { admission, open } = setUp(1);
    open();
    open();
    assert.equal(admission.makeRoom(), undefined);
  });
});
