"""Connect a telephone with a number: the telephone rings, and when it is answered, the number is dialled.

    python click_to_call.py pbx.example.org admin s3cret PJSIP/100 200 [port]

With asyncio, as in a web application: the call is followed to its end, and cancelled by Ctrl-C.
"""

import asyncio
import sys

import ami.aio
from ami import Outcome

SPOKEN = {
    Outcome.ANSWERED: "answered",
    Outcome.BUSY: "is busy",
    Outcome.NO_ANSWER: "does not answer",
    Outcome.CONGESTION: "cannot be reached now",
    Outcome.FAILED: "cannot be called",
}


async def connect_call(manager: ami.aio.Manager, telephone: str, number: str) -> bool:
    """Call a telephone, and connect it to a number of the context `default`; return whether it was answered."""
    call = await manager.originate(telephone, context="default", exten=number, timeout=20, caller_id=f"<{number}>")
    try:
        outcome = await call.wait()
        if outcome is not None:
            print(telephone, SPOKEN[outcome])
        elif call.progress.message:
            print("refused:", call.progress.message)
        if outcome is not Outcome.ANSWERED:
            return False
        cause = await call.wait_ended()
        print("the call has ended:", getattr(cause, "name", cause))
    except asyncio.CancelledError:
        if call.progress.channel and not call.progress.ended:
            await call.hang_up()
        raise
    return True


async def main(host: str, username: str, secret: str, telephone: str, number: str, port: str = "5038") -> bool:
    """Log in, and make the call."""
    async with ami.aio.connect(host, int(port), username=username, secret=secret) as manager:
        return await connect_call(manager, telephone, number)


if __name__ == "__main__":
    try:
        answered = asyncio.run(main(*sys.argv[1:]))
    except ami.Error as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(0 if answered else 1)
