"""The entrypoint of an action's image: runs the handler of one Ryax action for whoever has the token, over HTTP.

    RYAX_TOKEN=... python3 server.py

The protocol, the same for every language, is in docs/action-images.md. Standard library only, Python 3.8+.
"""

import errno
import hashlib
import hmac
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from attempt_files import AttemptFiles, Refused, entries
from exchange import Exchange, Problem, to_line
from executions import Busy, Claimed, Executions, Unknown
from settings import Settings, SettingsError

# From SIGTERM on: whoever stops us waits for our end.
STOP_SECONDS = 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
MOST_OFFSET = 2**53
# A path that cannot be looked at, whenever and by whomever it is tried.
UNREADABLE = (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EINVAL)
NDJSON = "application/x-ndjson"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings):
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        super().__init__((settings.host, settings.port), Handler)
        self.settings = settings
        self.token_digest = hashlib.sha256(settings.token.encode("utf-8")).digest()
        self.files = AttemptFiles(settings.files_directory)
        self.executions = Executions(settings, self.files)
        self.asked_at = time.monotonic()  # when somebody with the token has last asked for something

    def server_bind(self):
        # Without the look-up of our own name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]


class Handler(Exchange):
    def route(self):
        self.unread, self.has_begun = None, False
        try:
            self.serve(urlsplit(self.path))
        except Problem as problem:
            self.answer(problem.status, problem.body)
        except Refused as refused:
            self.answer(refused.status, {"error": str(refused)})
        except Busy as busy:
            run_id, execution, attempt = busy.attempt
            self.answer(409, {"error": str(busy), "attempt": {"run_id": run_id, "execution": execution, "attempt": attempt}})
        except Claimed:
            self.answer(409, {"error": "Somebody else has claimed this server"})
        except Unknown:
            self.answer(410, {"error": "This attempt is not kept here: it was never begun, or others came after it"})
        except (ConnectionError, socket.timeout):
            self.close_connection = True  # the client has gone, which concerns no execution
        except OSError as error:
            self.fail(error)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = route

    def fail(self, error):
        """The disk is full, or the like; told as long as the answer has not begun."""
        if self.has_begun:
            self.close_connection = True
        else:
            self.answer(500, {"error": "The server failed: %s" % error})

    def serve(self, url):
        executions = self.server.executions
        routes = {
            "/ready": ("GET", self.ready),
            "/invoke": ("POST", self.invoke),
            "/cancel": ("POST", self.cancel),
            "/claim": ("POST", self.claim),
            "/execution": ("GET", self.tell_execution),
            "/settle": ("POST", self.settle),
        }
        self.chosen(url, routes)(executions, url)

    def chosen(self, url, routes):
        """What serves a request: one of these routes, by path, or those of files, which all servers have."""
        if url.path.startswith("/files/"):
            method, serve = "PUT", self.put_file
        elif url.path == "/files":
            method, serve = "GET", self.get_file
        elif url.path in routes:
            method, serve = routes[url.path]
        else:
            raise Problem(404, "Expected %s or /files, found another path" % ", ".join(routes))
        if self.command != method:
            raise Problem(405, "Expected %s" % method)
        if url.path != "/ready":
            self.check_token()
        return serve

    def check_token(self):
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        given = hashlib.sha256(token.strip().encode("iso-8859-1", "replace")).digest()
        if not hmac.compare_digest(given, self.server.token_digest) or scheme.lower() != "bearer":
            raise Problem(401, "Expected the token as authorization: Bearer")
        self.server.asked_at = time.monotonic()

    def ready(self, executions, _url):
        status, why = executions.state()
        if status == "ready":
            self.answer(200, {"status": status})
        elif status == "loading":
            self.answer(503, {"status": status, "error": "The handler is being loaded"})
        else:
            self.answer(503, dict({"status": status, "error": why["message"]}, **without(why, "message")))

    def invoke(self, executions, _url):
        body = self.json_body()
        attempt = attempt_of(body.get("attempt"))
        inputs, offset, names = body.get("inputs", {}), body.get("log_offset"), body.get("files", [])
        origin, owner = body.get("origin"), owner_in(body)
        if not isinstance(inputs, dict):
            raise Problem(400, "Expected an object in inputs")
        if origin is not None and not isinstance(origin, dict):
            raise Problem(400, "Expected an object in origin")
        if offset is not None and not is_count(offset):
            raise Problem(400, "Expected a whole number in log_offset")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Problem(400, "Expected a list of names in files")
        execution = executions.invoke(attempt, inputs, names, origin, owner, is_begun=offset is not None)
        if execution.log_bytes < (offset or 0):
            raise Problem(400, "Expected a log_offset of at most %d" % execution.log_bytes)
        self.stream(execution, offset or 0)

    def stream(self, execution, offset):
        self.send_response(200)
        self.send_header("content-type", NDJSON)
        self.begin_chunks()
        result = None
        while result is None:
            text, offset, result = execution.after(offset, self.server.settings.beat_seconds)
            if text != "":
                self.chunk(to_line({"log": text, "offset": offset}))
            elif result is None:
                self.chunk(to_line({"beat": True}))
        self.chunk(to_line(result))
        self.chunk(b"")

    def cancel(self, executions, _url):
        attempt = attempt_of(self.json_body().get("attempt"))
        is_cancelling = executions.cancel(attempt)
        self.answer(202 if is_cancelling else 200, {"status": "cancelling" if is_cancelling else "ended"})

    def claim(self, executions, url):
        owner = owner_in(self.json_body())
        if owner is None:
            raise Problem(400, "Expected a text in owner")
        executions.claim(owner)
        self.tell_execution(executions, url)

    def tell_execution(self, executions, _url):
        self.answer(200, {"status": executions.state()[0], "execution": executions.told()})

    def settle(self, executions, _url):
        executions.settle(attempt_of(self.json_body().get("attempt")))
        self.answer(200, {"status": executions.state()[0]})

    def put_file(self, executions, url):
        attempt, query = self.attempt_of_query(url)
        length = self.content_length()
        name = unquoted(url.path[len("/files/"):])
        executions.prepare(attempt)
        path = self.server.files.place(name[:-1] if name.endswith("/") else name)
        if name.endswith("/"):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.receive(path, length, query.get("executable") == ["true"])
        self.answer(201, {"path": path})

    def receive(self, path, length, is_executable):
        partial = self.server.files.partial()
        self.unread = length
        try:
            with open(partial, "wb") as file:
                while self.unread > 0:
                    data = self.rfile.read(min(self.unread, 65536))
                    if data == b"":
                        raise ConnectionError("The client has gone")
                    self.unread -= len(data)
                    file.write(data)
            os.chmod(partial, 0o755 if is_executable else 0o644)
            os.replace(partial, path)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)

    def get_file(self, executions, url):
        attempt, query = self.attempt_of_query(url)
        returned = query.get("path", [""])[0]
        self.give_out(returned, self.server.files.returned(returned, executions.kept(attempt)), entries)

    def give_out(self, named, path, entries_of):
        """A file, or the list of what a folder holds. What is wrong with the path itself is no failure of ours."""
        try:
            if os.path.isdir(path):
                self.answer(200, {"kind": "directory", "entries": entries_of(path)})
            elif os.path.isfile(path):
                self.send_file(path)
            else:
                os.stat(path)
                raise Problem(422, "%s is neither a file nor a directory" % named)
        except FileNotFoundError:
            raise Problem(404, "%s does not exist" % named)
        except OSError as error:
            if self.has_begun or error.errno not in UNREADABLE:
                raise
            raise Problem(422, "%s cannot be read" % named)

    def send_file(self, path):
        with open(path, "rb") as file:
            left = os.fstat(file.fileno()).st_size
            self.send_response(200)
            self.send_header("content-type", "application/octet-stream")
            self.send_header("content-length", str(left))
            self.end_headers()
            while left > 0:  # no more than was announced, should it grow meanwhile
                data = file.read(min(left, 65536))
                if data == b"":
                    raise ConnectionError("The file has shrunk")
                self.wfile.write(data)
                left -= len(data)

    def attempt_of_query(self, url):
        query = parse_qs(url.query)
        found = {name: values[0] for name, values in query.items()}
        number = found.get("attempt", "")
        return attempt_of(dict(found, attempt=int(number) if number.isdecimal() and len(number) < 16 else None)), query


def attempt_of(value):
    value = value if isinstance(value, dict) else {}
    run_id, execution, number = value.get("run_id"), value.get("execution"), value.get("attempt")
    is_named = all(isinstance(text, str) and text != "" and "\0" not in text for text in (run_id, execution))
    if not is_named or not is_count(number) or number < 1:
        raise Problem(400, "Expected an attempt with run_id, execution and attempt, a number from 1")
    return run_id, execution, number


def owner_in(body):
    owner = body.get("owner")
    if owner is None or (isinstance(owner, str) and owner != ""):
        return owner
    raise Problem(400, "Expected a text in owner")


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_OFFSET


def unquoted(text):
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Problem(400, "Expected a name in UTF-8")


def without(members, name):
    return {key: value for key, value in members.items() if key != name}


def end_when_idle(server):
    """Nobody has work for it any more, and nobody is there to end it."""
    seconds = server.settings.idle_seconds
    while True:
        idle = time.monotonic() - server.asked_at
        if idle >= seconds and not server.executions.is_needed:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(seconds if server.executions.is_needed else seconds - idle)


def main():
    try:
        server = Server(Settings(os.environ))
    except (SettingsError, OSError) as error:
        sys.exit("The server cannot start: %s" % error)
    # Every thread inherits this: the signals wait for us, whichever thread they are sent to.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    server.executions.load()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if server.settings.idle_seconds > 0:
        threading.Thread(target=end_when_idle, args=(server,), daemon=True).start()
    print(json.dumps({"level": "info", "message": "Listening", "host": server.server_name, "port": server.server_port}), flush=True)
    signal.sigwait(STOP_SIGNALS)
    server.socket.close()
    server.executions.stop(STOP_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
