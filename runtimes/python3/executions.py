"""What an action image's server keeps of its executions: one that runs, or the last that has ended, with its log and result."""

import codecs
import os
import shutil
import signal
import threading
import time

from worker_process import WorkerProcess, spawn_thread

# How much of the log of a failed load is told by /ready: its end, where the error is.
MOST_TRACEBACK_BYTES = 64 * 1024
# Of a message, as everywhere in the engine; the whole story is in the log.
MOST_MESSAGE_CHARACTERS = 2000
MOST_LAST_WORDS_BYTES = 500


class Busy(Exception):
    """Another attempt runs."""

    def __init__(self, attempt):
        super().__init__("Busy with another attempt")
        self.attempt = attempt


class Claimed(Exception):
    """Only another client may begin attempts."""


class Unknown(Exception):
    """The attempt is not the one that is kept here."""


class Log:
    """Valid UTF-8, whatever was written, so that an offset into it is an offset into the text that a client has."""

    def __init__(self, most_bytes):
        self.data = bytearray()
        self.most_bytes = most_bytes
        self.room = most_bytes
        self.dropped = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data, final=False):
        text = self.decoder.decode(data, final).encode("utf-8")
        kept = at_character(text, min(len(text), self.room))
        # Once something is missing, nothing that comes after it is kept: what is there has no holes.
        self.room = 0 if kept < len(text) else self.room - kept
        self.dropped += len(text) - kept
        self.data += text[:kept]

    def end(self):
        self.write(b"", final=True)
        if self.dropped:
            line = "\n[ryax] %d more bytes of output were dropped: a log may have %d bytes (RYAX_MAX_LOG_BYTES)\n"
            self.data += (line % (self.dropped, self.most_bytes)).encode("ascii")

    @property
    def last_words(self):
        lines = bytes(self.data[-MOST_LAST_WORDS_BYTES:]).decode("utf-8", "ignore").split("\n")
        return next((": " + line.strip() for line in reversed(lines) if line.strip()), "")


class Execution:
    """One attempt: its log as it grows, and the result with which it ends."""

    def __init__(self, attempt, origin, log):
        self.attempt = attempt
        self.origin = origin
        self.log = log
        self.result = None
        self.is_cancelled = False
        self.began_at = time.monotonic()
        self.changed = threading.Condition()

    @property
    def ran_ms(self):
        """By our own clock, which nobody sets: until now, or until it ended."""
        return self.elapsed_ms() if self.result is None else self.result["duration_ms"]

    def elapsed_ms(self):
        return round((time.monotonic() - self.began_at) * 1000)

    def write(self, data):
        with self.changed:
            self.log.write(data)
            self.changed.notify_all()

    @property
    def log_bytes(self):
        return len(self.log.data)

    def end(self, result):
        with self.changed:
            self.log.end()
            self.result = result
            self.changed.notify_all()

    def after(self, offset, seconds):
        """What of the log comes after the offset, at most so much as fits a line; and the result once all has been told.
        Waits for something to tell; for these seconds at most, after which there may be neither."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.log.data) > offset or self.result is not None, seconds)
            end = at_character(self.log.data, min(len(self.log.data), offset + 65536))
            text = bytes(self.log.data[offset:end]).decode("utf-8", "replace")
            return text, end, self.result if end == len(self.log.data) else None


class Executions:
    """Owns the worker: starts it, loads the handler ahead of the first call, and starts it anew when it is gone."""

    def __init__(self, settings, files):
        self.settings = settings
        self.files = files
        self.lock = threading.Lock()
        self.worker = None
        self.loading = None
        self.load_failure = None
        self.prologue = b""  # what was written while the handler was loaded: it belongs to the first call
        self.last = None
        self.owner = None  # who alone may begin attempts; None as long as nobody has claimed that
        self.is_stopping = False

    def load(self):
        """Begins to load the handler, unless it is loaded or that is being done."""
        with self.lock:
            is_loaded = self.worker is not None and self.worker.is_usable
            if self.loading is None and not is_loaded and not self.is_stopping:
                self.load_failure = None
                self.loading = threading.Event()
                spawn_thread(self.load_handler, self.loading)
            return self.loading

    def state(self):
        """Whether it is ready, loading, or failed; then with why, and with the traceback."""
        with self.lock:
            if self.loading is not None:
                return "loading", None
            return ("ready", None) if self.load_failure is None else ("failed", self.load_failure)

    def invoke(self, attempt, inputs, names, origin, owner, is_begun):
        """The execution of this attempt, which is begun unless it is known; with `is_begun` it has to be. Raises Refused when
        one of these files was not put."""
        with self.lock:
            if self.last is not None and self.last.attempt == attempt:
                return self.last
            if self.last is not None and self.last.result is None:
                raise Busy(self.last.attempt)
            if is_begun:
                raise Unknown()
            if owner != self.owner:
                raise Claimed()
            self.files.begin(attempt, names)
            execution = self.last = Execution(attempt, origin, Log(self.settings.most_log_bytes))
            spawn_thread(self.run, execution, inputs)
            return execution

    def cancel(self, attempt):
        """Whether there was something to end."""
        with self.lock:
            if self.last is None or self.last.attempt != attempt:
                raise Unknown()
            if self.last.result is not None:
                return False
            self.last.is_cancelled = True
            if self.worker is not None:
                self.worker.terminate()
            return True

    def claim(self, owner):
        """From now on only this one may begin attempts: what another was about to begin is refused."""
        with self.lock:
            self.owner = owner

    def told(self):
        """The attempt that runs, or has ended and is not settled, with what its client has said of it; None where there is none."""
        with self.lock:
            if self.last is None:
                return None
            run_id, execution, attempt = self.last.attempt
            status = "running" if self.last.result is None else "ended"
            named = {"run_id": run_id, "execution": execution, "attempt": attempt}
            return {"attempt": named, "origin": self.last.origin, "status": status, "ran_ms": self.last.ran_ms}

    @property
    def is_needed(self):
        """Whether there is something that cannot be had elsewhere."""
        return self.last is not None

    def settle(self, attempt):
        """Its result is known elsewhere: nothing of the attempt is kept, nor of its files."""
        with self.lock:
            if self.last is None or self.last.attempt != attempt:
                raise Unknown()
            if self.last.result is None:
                raise Busy(attempt)
            self.last = None
            self.files.end(attempt)
            if self.worker is not None and self.worker.calls > 1:
                self.clean()

    def prepare(self, attempt):
        """Makes room for the files of an attempt that is about to be begun."""
        with self.lock:
            if self.last is not None and self.last.result is None:
                raise Busy(self.last.attempt)
            self.files.begin(attempt)

    def kept(self, attempt):
        with self.lock:
            if self.last is None or self.last.attempt != attempt:
                raise Unknown()
            return self.last

    def stop(self, seconds):
        """Ends the worker; what it was doing has no result."""
        with self.lock:
            self.is_stopping = True
            worker, loading = self.worker, self.loading
        if worker is not None:
            worker.terminate()
            if not worker.wait_until_ended(seconds):
                worker.kill()
                worker.wait_until_ended(1)
        if loading is not None:
            loading.wait(seconds)  # one that has just been started is killed by who has started it

    def run(self, execution, inputs):
        result = self.outcome(execution, inputs)
        if self.is_stopping:
            return  # it has no result: who waits for one learns that we are gone
        with self.lock:
            if execution.is_cancelled:
                result = failure("crash", "The execution was cancelled", details={"cancelled": True})
            execution.end(dict(result, duration_ms=execution.elapsed_ms()))
        if self.load_failure is None or execution.is_cancelled:
            self.load()

    def outcome(self, execution, inputs):
        command = {"inputs": inputs, "env": variables(execution.attempt)}
        while not self.is_stopping and not execution.is_cancelled:
            load_failure = self.wait_for_worker(execution)
            if self.is_stopping or execution.is_cancelled:
                break
            if load_failure is not None:
                return {"failure": {key: load_failure[key] for key in load_failure if key != "traceback"}}
            if self.worker.calls > 1:
                self.clean()
            end, answer = self.worker.call(command, execution.write)
            if end != "not-begun":
                return self.judge(execution, end, answer)
        return {}  # nobody gets to see it

    def wait_for_worker(self, execution):
        loading = self.load()
        if loading is not None:
            loading.wait()
        with self.lock:
            prologue, self.prologue = self.prologue, b""
            load_failure = self.load_failure
        execution.write(prologue)
        return load_failure

    def judge(self, execution, end, answer):
        if end == "exited":
            message = "The handler's process %s during the call%s" % (describe_exit(answer), execution.log.last_words)
            return failure("crash", message, code=answer)
        if end == "too-large":
            return failure("invalid", "The outputs are larger than %d bytes; return large data as a file" % answer)
        if "outputs" in answer:
            return {"outputs": answer["outputs"], "cwd": answer.get("cwd", "/")}
        if "refused" in answer:
            output = answer["refused"].get("output")
            return failure("invalid", answer["refused"]["message"], details=None if output is None else {"output": output})
        return failure_of_raised(answer["raised"], lambda line: execution.write(note(line)))

    def load_handler(self, loaded):
        log = Log(self.settings.most_log_bytes)
        try:
            load_failure = self.load_in_new_worker(log)
        except OSError as error:
            load_failure = failure("crash", "The handler's process could not be started: %s" % error)["failure"]
        log.end()
        if load_failure is not None:
            traceback = bytes(log.data[-MOST_TRACEBACK_BYTES:]).decode("utf-8", "ignore")
            load_failure = dict(load_failure, traceback=traceback)
        with self.lock:
            self.prologue, self.load_failure, self.loading = bytes(log.data), load_failure, None
        loaded.set()

    def load_in_new_worker(self, log):
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait_until_ended(self.settings.grace_seconds)
            self.clean()
        folder = self.settings.action_directory
        if not os.path.isdir(folder):
            return failure("crash", "Expected an action in the folder %s, found no such folder" % folder)["failure"]
        worker = WorkerProcess(folder, self.settings.environment, self.settings.grace_seconds)
        with self.lock:
            self.worker = worker
            if self.is_stopping or (self.last is not None and self.last.result is None and self.last.is_cancelled):
                worker.kill()
        end, answer = worker.call({"load": True}, log.write)
        if end != "answered":
            status = describe_exit(answer) if end == "exited" else "could not be understood"
            message = "The handler's process %s while it was loaded%s" % (status, log.last_words)
            return failure("crash", message, code=answer if end == "exited" else None)["failure"]
        if "raised" not in answer:
            return None
        return failure_of_raised(answer["raised"], lambda line: log.write(note(line)))["failure"]

    def clean(self):
        """Empties the folder for temporary files between two calls, where the image says that it is the action's alone."""
        folder = self.settings.temporary_directory
        if folder is None:
            return
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if self.files.is_kept(path):
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                try:
                    os.unlink(path)
                except OSError:
                    pass  # another user's


def failure(kind, message, code=None, details=None):
    text = message if len(message) <= MOST_MESSAGE_CHARACTERS else message[:MOST_MESSAGE_CHARACTERS] + "…"
    members = {"kind": kind, "message": text, "code": code, "details": details}
    return {"failure": {name: value for name, value in members.items() if value is not None}}


def failure_of_raised(raised, write_note):
    missing = raised.get("missing_module")
    if missing is not None:
        write_note("The module %s is missing: name it in requirements.txt and build the image anew" % missing)
    return failure(raised["kind"], raised["message"], code=raised.get("code"))


def note(line):
    """A line of ours in a log."""
    return ("[ryax] %s\n" % line).encode("utf-8")


def describe_exit(status):
    name = signal.Signals(status - 128).name if status - 128 in signal.valid_signals() else None
    return "exited with status %d%s" % (status, "" if name is None else " (%s)" % name)


def variables(attempt):
    run_id, execution, number = attempt
    return {"RYAX_RUN_ID": run_id, "RYAX_EXECUTION": execution, "RYAX_ATTEMPT": str(number)}


def at_character(data, end):
    """The end, or the last one before it that is not inside a character."""
    while 0 < end < len(data) and data[end] & 0xC0 == 0x80:
        end -= 1
    return end
