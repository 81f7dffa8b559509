"""What `huxin report status` says of a flag that stands in this node's log alone."""

from __future__ import annotations

import json

from huxin.v1 import admin_service_pb2

from tests.cli.test_connection import NUMBER, Desk, desk

__all__ = ["desk"]


def test_a_flag_that_no_peer_sees_yet_is_told_to_be_one(desk: Desk) -> None:
    answer = admin_service_pb2.ChangeStatusResponse(log_index=7, awaits_recovery=True)
    desk.answers["AdminService/ChangeStatus"] = lambda *_: answer
    command = ("report", "status", NUMBER, "revoked", "--set", "--reason", "issued_in_error")
    said = desk.ask(*command).stdout
    assert "no other jurisdiction sees this change" in said
    assert "set again if another database" in said
    assert json.loads(desk.ask(*command, "--json").stdout)["awaits_recovery"] is True
