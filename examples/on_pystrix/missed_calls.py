"""Who gave up waiting in a queue, and is to be called back; a program on pystrix."""

from pystrix.ami import Manager, ManagerError, core, core_events


class MissedCalls:
    """The numbers of those who gave up, the first one first, each once."""

    def __init__(self, host, username, secret, port=5038):
        self.numbers = []
        self._manager = Manager()
        self._manager.register_callback("QueueCallerAbandon", self._on_abandon)
        self._manager.connect(host, port)
        challenge = self._manager.send_action(core.Challenge()).result["Challenge"]
        response = self._manager.send_action(core.Login(username, secret, challenge=challenge))
        if response is None or not response.success:
            raise ManagerError("the login was refused")

    def _on_abandon(self, event, manager):
        number = event["CallerIDNum"]
        if number not in self.numbers:
            self.numbers.append(number)

    def free_agents(self, queue):
        """The agents of a queue who could call back; None if the PBX does not say."""
        request = core.QueueStatus(queue)
        request.synchronous = True
        response = self._manager.send_action(request)
        if response is None or response.events_timeout:
            return None
        return [member["Name"] for member in response.events[core_events.QueueMember] if member["Paused"] == "0"]

    def close(self):
        """End the connection."""
        self._manager.close()
