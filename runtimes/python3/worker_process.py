"""The one child of an action image's server: worker.py, its descriptors, and how it ends.

What travels on the descriptors is described in worker.py. Unlike there, both streams of the log are one pipe here, so that
what the handler writes stays in the order in which it was written.
"""

import fcntl
import json
import os
import signal
import sys
import threading
import uuid

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
# What an answer may take of our memory; larger results belong into files.
MOST_REPLY_BYTES = 256 * 1024 * 1024
# How long the pipes of a dead worker may stay open, by processes that have left its group.
LINGER_SECONDS = 1
# The worker marks both of its log descriptors, and here they are one pipe.
MARKERS = 2


class WorkerProcess:
    """A process with the handler of one action. One call at a time; whoever calls waits."""

    def __init__(self, folder, environment, grace_seconds):
        self.grace_seconds = grace_seconds
        self.calls = 0
        self.exit_status = None  # once it is gone and has been heard out
        self.reply = None
        self.is_last = False
        self.output = MarkedOutput()
        self.changed = threading.Condition()
        self.writing = threading.Lock()  # of commands: a descriptor that is closed meanwhile could be another's
        self.kill_timer = None
        self.has_ended = False  # the process; its pipes may still hold something
        self.start(folder, environment)

    def start(self, folder, environment):
        commands_out, self.commands = pipe()
        replies, replies_in = pipe()
        log, log_in = pipe()
        duplicates = [(commands_out, 3), (replies_in, 4), (log_in, 1), (log_in, 2), (log_in, 5), (log_in, 6)]
        actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for ours, theirs in duplicates]
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
        command = [sys.executable, WORKER, folder]
        try:
            # Python ignores SIGPIPE, and the server blocks some: what a handler starts must not inherit that from us.
            options = {"file_actions": actions, "setpgroup": 0, "setsigdef": [signal.SIGPIPE], "setsigmask": []}
            self.pid = os.posix_spawn(command[0], command, environment, **options)
        finally:
            for descriptor in (commands_out, replies_in, log_in):
                os.close(descriptor)
        readers = [spawn_thread(self.read_log, log), spawn_thread(self.read_replies, replies)]
        spawn_thread(self.wait, readers)

    @property
    def is_usable(self):
        return not self.has_ended and not self.is_last and self.kill_timer is None

    def call(self, command, write_log):
        """Answers ("answered", reply), ("exited", status), ("too-large", bytes), or ("not-begun", None) when it had died of
        an earlier call's leftovers before this one reached it. All that the call has written went to `write_log` by then."""
        self.calls += 1
        number, marker = self.calls, uuid.uuid4().hex
        self.output.begin(marker.encode("ascii"), write_log)
        line = json.dumps(dict(command, call=number, marker=marker)).encode("ascii") + b"\n"
        with self.changed:
            self.reply = None
        if not self.send(line) and number > 1:
            self.output.finish()
            return "not-begun", None
        with self.changed:
            self.changed.wait_for(lambda: self.reply is not None or self.exit_status is not None)
            reply = self.reply
        if reply is None:
            self.output.finish()
            return "exited", self.exit_status
        if "too_large" in reply:
            return "too-large", reply["too_large"]
        if reply.get("call") != number:
            return "not-begun", None
        self.output.wait()
        return "answered", reply

    def send(self, line):
        """Whether it has taken the command; one that has exited has not."""
        with self.writing:
            try:
                write_all(self.commands, line)
                return True
            except OSError:
                return False

    def terminate(self):
        """Asks its group to end, and sees to it that it does. Idempotent."""
        with self.changed:
            if self.has_ended or self.kill_timer is not None:
                return
            self.kill_timer = threading.Timer(self.grace_seconds, self.kill)
            self.kill_timer.daemon = True
            self.kill_timer.start()
            self.signal(signal.SIGTERM)

    def kill(self):
        with self.changed:
            if not self.has_ended:
                self.signal(signal.SIGKILL)

    def wait_until_ended(self, seconds):
        """Whether it has ended by then."""
        with self.changed:
            return self.changed.wait_for(lambda: self.has_ended, seconds)

    def wait(self, readers):
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self.changed:
            # Its process group cannot have become another's while the process has not been reaped.
            self.signal(signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.has_ended = True
            self.changed.notify_all()
        if self.kill_timer is not None:
            self.kill_timer.cancel()
        for reader in readers:
            reader.join(LINGER_SECONDS)
        self.output.finish()
        with self.writing:
            os.close(self.commands)
            self.commands = -1
        with self.changed:
            self.exit_status = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            self.changed.notify_all()

    def signal(self, number):
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def read_log(self, descriptor):
        with open(descriptor, "rb", buffering=0) as pipe_end:
            for data in iter(lambda: pipe_end.read(65536), b""):
                self.output.take(data)

    def read_replies(self, descriptor):
        with open(descriptor, "rb") as pipe_end:
            for line in iter(lambda: pipe_end.readline(MOST_REPLY_BYTES + 1), b""):
                reply = {"too_large": MOST_REPLY_BYTES} if len(line) > MOST_REPLY_BYTES else parse_reply(line)
                with self.changed:
                    self.is_last = self.is_last or reply is None or reply.get("last", False) or "too_large" in reply
                    self.reply = reply
                    self.changed.notify_all()
                if reply is None or "too_large" in reply:
                    # Nonsense can only come from a handler that has got hold of our descriptor: it cannot be talked to any more.
                    self.kill()
                    return


class MarkedOutput:
    """The log pipe carries the output of one call after another; what comes while nobody reads belongs to no call."""

    def __init__(self):
        self.changed = threading.Condition()
        self.write = None
        self.held = b""
        self.markers = 0

    def begin(self, marker, write):
        with self.changed:
            self.marker, self.write, self.held, self.markers = marker, write, b"", MARKERS

    def take(self, data):
        with self.changed:
            data = self.held + data
            while self.write is not None and self.markers > 0:
                before, found, after = data.partition(self.marker)
                if not found:
                    kept = overlap(data, self.marker)
                    self.held = data[len(data) - kept:]
                    self.write(data[:len(data) - kept])
                    return
                self.write(before)
                self.markers -= 1
                data = after
            self.end()

    def wait(self):
        """Until all markers have come, or the pipe has ended."""
        with self.changed:
            self.changed.wait_for(lambda: self.write is None)

    def finish(self):
        """Nothing more will come."""
        with self.changed:
            if self.write is not None:
                self.write(self.held)
            self.end()

    def end(self):
        self.write, self.held = None, b""
        self.changed.notify_all()


def overlap(data, pattern):
    """How many of the last bytes are the beginning of the pattern."""
    for length in range(min(len(data), len(pattern) - 1), 0, -1):
        if data.endswith(pattern[:length]):
            return length
    return 0


def parse_reply(line):
    try:
        reply = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) else None


def pipe():
    """Both ends above the numbers that the child's descriptors get, so that no duplicate overwrites another's source."""
    return tuple(above_those_of_the_child(end) for end in os.pipe())


def above_those_of_the_child(descriptor):
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16)
    os.close(descriptor)
    return high


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def spawn_thread(target, *arguments):
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread
