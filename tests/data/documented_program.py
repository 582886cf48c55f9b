"""A program as it was written for the documented library: it watches a PBX, makes a call, and reports.

    documented_program.py HOST PORT USERNAME SECRET

Only this import is of its time.
"""

import hashlib
import sys
import threading

from ami import KEY_EVENT, Manager, ManagerSocketError, core, core_events


class Operator:
    """Watches one PBX, and prints what happens there."""

    def __init__(self, host, port, username, secret):
        self._address = (host, port)
        self._username, self._secret = username, secret
        self._lock = threading.Lock()
        self._lines = []
        self.channels_listed = threading.Event()
        self.call_ended = threading.Event()
        self.orphaned = threading.Event()
        self.seen = 0
        self.manager = Manager(False, None, 5, 5)
        self.manager.register_callback("Newchannel", self._on_newchannel)
        self.manager.register_callback(core_events.Hangup, self._on_hangup)
        self.manager.register_callback("OriginateResponse", self._on_originate_response)
        self.manager.register_callback("CoreShowChannels_Aggregate", self._on_channels)
        self.manager.register_callback("", self._on_any)
        self.manager.register_callback(None, self._on_orphan)

    def say(self, text):
        with self._lock:
            self._lines.append(text)

    def log_in(self):
        self.manager.connect(*self._address)
        challenge = self.manager.send_action(core.Challenge())
        if challenge is None or not challenge.success:
            raise RuntimeError("the server did not answer with a challenge")
        try:
            login = self.manager.send_action(
                core.Login(
                    self._username, self._secret, challenge=challenge.result["Challenge"], authtype=core.AUTHTYPE_MD5
                )
            )
        except core.ManagerAuthError as reason:
            self.say(f"login refused: {reason}")
            return False
        name, version = self.manager.get_asterisk_info()
        digest = hashlib.md5((challenge.result["Challenge"] + self._secret).encode()).hexdigest()
        self.say(f"logged in to {name} {version}: {login.success} {login.request['Key'] == digest}")
        return True

    def report_queues(self):
        request = core.QueueStatus()
        request.synchronous = True
        response = self.manager.send_action(request)
        if not response.success or response.events_timeout:
            self.say("no queues")
            return
        for queue in response.events[core_events.QueueParams]:
            headers, _ = queue.process()
            self.say(f"queue {headers['Queue']}: {headers['Calls']} of {headers['Max']} calls")
        for member in response.events["QueueMember"]:
            headers, _ = member.process()
            state = "paused" if headers["Paused"] else "ready"
            self.say(f"member {headers['Name']}: {state}, {headers['CallsTaken']} calls taken")
        self.say(f"end of queues: {response.events['QueueStatusComplete'] is not None}")

    def report_channels(self):
        request = core.CoreShowChannels()
        request.aggregate = True
        if not self.manager.send_action(request).success:
            self.say("no channels")
        self.channels_listed.wait(5)

    def call(self, channel, extension):
        request = core.Originate_Context(
            channel, "default", extension, 1, timeout=15000, callerid="Operator <0>", variables={"LEVEL": 3}
        )
        response = self.manager.send_action(request, action_id="operator-1")
        self.say(f"calling: {response.success} {response.action_id}")
        self.call_ended.wait(5)

    def uptime(self):
        response = self.manager.send_action(core.Command("core show uptime"))
        for line in response.result.data:
            self.say(f"> {line}")

    def ping(self):
        response = self.manager.send_action(core.Ping())
        self.say(f"ping: {response.success} {response.result['RTT'] >= 0}")

    def _on_newchannel(self, event, manager):
        headers, _ = event.process()
        self.say(f"new channel {headers['Channel']} in state {headers['ChannelState'] + 0}")

    def _on_hangup(self, event, manager):
        headers, _ = event.process()
        self.say(f"hangup of {event['Channel']}: {headers['Cause']}")
        self.call_ended.set()

    def _on_originate_response(self, event, manager):
        headers, _ = event.process()
        self.say(f"originate {event.action_id}: {headers['Result']} ({headers['Reason']})")

    def _on_channels(self, aggregate, manager):
        channels = aggregate[core_events.CoreShowChannel]
        seconds = [channel.process()[0]["Duration"] for channel in channels]
        self.say(f"channels: {len(channels)}, valid {aggregate.valid}, {seconds} s")
        self.channels_listed.set()

    def _on_any(self, event, manager):
        if KEY_EVENT in event:
            self.seen += 1

    def _on_orphan(self, response, manager):
        self.say(f"orphan {response.name}: {response.get('Message')}")
        self.orphaned.set()

    def run(self):
        if not self.log_in():
            self.manager.close()
            return 1
        monitor = self.manager.monitor_connection(0.5)
        self.report_queues()
        self.report_channels()
        self.call("PJSIP/100", "200")
        self.uptime()
        self.ping()
        self.orphaned.wait(5)
        self.say(f"saw events: {self.seen >= 5}; monitored: {monitor.is_alive()}")
        self.manager.unregister_callback("", self._on_any)
        self.manager.send_action(core.Logoff())
        self.manager.close()
        monitor.join(5)
        self.say(f"connected: {self.manager.is_connected()}")
        return 0

    def report(self):
        with self._lock:
            print("\n".join(self._lines))


if __name__ == "__main__":
    operator = Operator(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
    try:
        code = operator.run()
    except ManagerSocketError as reason:
        operator.say(f"link lost: {reason}")
        code = 2
    operator.report()
    sys.exit(code)
