"""Logs as `huxin doctor` looks at them: whether our own can be issued into, and which of the peers' are halted.

Evidence of two histories is durable (`node.storage.witness_store`), so this is told of a node that stands still, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.app.running_node import failing_checks
from node.app.storing import open_database
from node.config.settings import Settings
from node.errors import HuxinError
from node.model.counting import counted
from node.model.witnesses import SplitView
from node.readiness import NEWEST_FIRST
from node.registry.directory import TrustedState
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore


async def look_at_own_log(settings: Settings, state: TrustedState) -> str:
    """What holds. Raises HuxinError when nothing can be issued into our log, and NotReady for the database.

    Whether a node that runs goes on in it stands in no database: the one at our operations address is asked.
    """
    own = state.own.trusted
    async with open_database(settings) as database:
        head = await LogStore(database).head(own.origin)
        others = _shown_by(await WitnessStore(database).splits(), own.origin)
    if head is None and own.closed:
        raise HuxinError(
            "LOG_NOT_FOUNDED",
            f"The trust registry names {own.origin} in the place of our log {own.closed[-1].origin}, and it is not "
            "founded yet: put the keys whose public halves were given to `huxin log close` at keys.log and "
            "keys.cosigner, if it goes on with new ones, then run `huxin log found`.",
        )
    if others:
        raise HuxinError(
            "OWN_LOG_SPLIT",
            f"Our log {own.origin} has two histories, the other one shown by {others}, so nothing more is issued. Look "
            f"at `huxin evidence`. {NEWEST_FIRST} To recover, close the log with `huxin log close` (ops/README.md, "
            "HuxinSplitView).",
        )
    if own.closed and own.origin in (await failing_checks(settings)).get("log_key", ""):
        raise HuxinError(
            "LOG_CLOSED",
            f"Our log {own.origin} is founded, and our node has been running since before that: it goes on refusing to "
            "issue until it is started again. Start every replica of it again.",
        )
    if head is None:
        return f"Our log {own.origin} begins when the node serves for the first time."
    told = f"Our log {own.origin} has {head.size} entries, and nobody has shown another history of it."
    if own.closed:
        # Replicas on other machines, whose pages cannot be read from here.
        told += f" It goes on after {own.closed[-1].origin}: start each replica again that ran before it was founded."
    return told


async def look_at_peer_logs(settings: Settings, state: TrustedState) -> str:
    """What holds. Raises HuxinError naming each peer whose log is halted, and NotReady for the database."""
    peers = {division: found.trusted.origin for division, found in sorted(state.jurisdictions.items())}
    peers.pop(settings.division, None)
    async with open_database(settings) as database:
        splits = await WitnessStore(database).splits()
    shown = {division: _shown_by(splits, origin) for division, origin in peers.items()}
    halted = [f"{division} (the other one shown by {others})" for division, others in shown.items() if others]
    if halted:
        raise HuxinError(
            "LOG_SPLIT",
            f"Followed no further, for their logs have two histories: {', '.join(halted)}. Save the evidence with "
            "`huxin evidence --export FOLDER` and call their operators; ops/README.md (HuxinSplitView) says how such a "
            "log recovers.",
        )
    return f"{counted(len(peers), 'peer log')}, none with two histories."


def _shown_by(splits: Iterable[SplitView], origin: str) -> str:
    """Who showed another history of a log, in words; empty when nobody did."""
    return ", ".join(sorted({split.shown_by for split in splits if split.origin == origin}))
