"""The server's side of the story, and all faults with all clients."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import amisim
from amisim import event, list_complete, response, wait
from suite.measure import HERE, environment
from suite.story import HANGUPS, MEMBERS, SECRET, STORIES, TEXT, USERNAME, Story
from suite.story.phrases import phrase

_LONGEST = 90  # seconds for one client and one fault; nobody needs them, because every step has an end
_AT_A_TIME = 6  # they wait, most of the time

Phrases = dict[tuple[str, str], str]
"""By fault and client."""


def run(clients: Iterable[str], kinds: Iterable[str], progress: Callable[[str], object]) -> Phrases:
    """What each client does with each fault. Raises `RuntimeError` where a client has trouble without any."""
    stories = {"": Story(""), **{kind: STORIES[kind] for kind in kinds}}

    def one(pair: tuple[str, str]) -> str:
        kind, client = pair
        said = phrase(live_through(client, stories[kind]), stories[kind])
        progress(f"{client}, {stories[kind].fault or 'no fault'}: {said}")
        return said

    pairs = [(kind, client) for kind in stories for client in clients]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        phrases = dict(zip(pairs, pool.map(one, pairs), strict=True))
    trouble = {client: said for (kind, client), said in phrases.items() if not kind and said != "right"}
    if trouble:
        raise RuntimeError(f"without a fault, all should be right: {trouble}")
    return {pair: said for pair, said in phrases.items() if pair[0]}


def live_through(client: str, story: Story) -> dict[str, Any]:
    """What a client saw of the story, and the server of the client."""
    faults = [story.fault] if story.fault else []
    with amisim.Server(username=USERNAME, secret=SECRET, faults=faults, seed=1) as server:
        members = [event("QueueMember", Queue="support", Name=name, Location=place) for name, place in MEMBERS]
        hangups = [
            event("Hangup", Privilege="call,all", Channel=channel, Uniqueid=uniqueid, Cause=cause,
                  Cause_txt=TEXT.decode())
            for channel, uniqueid, cause in HANGUPS
        ]  # fmt: skip
        server.on("QueueStatus").reply(
            response(EventList="start", Message="Queue status will follow"), *members, list_complete(), wait(0.2),
            *hangups,
        )  # fmt: skip
        command = [sys.executable, "-m", "suite.story.worker", client, str(server.port)]
        done = subprocess.run(
            command, cwd=HERE, env=environment(), capture_output=True, text=True, timeout=_LONGEST, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{client}, {story.fault or 'no fault'}: {done.stderr}")
        server.check()
        records = list(server.transcript)
        return {
            **json.loads(done.stdout),
            "connections": len({record.connection for record in records if record.connection}),
            "asked": sum(action.name == "QueueStatus" for action in server.actions),
            "errors": sum(record.data.startswith(b"Response: Error") for record in records),
        }
