"""Brings the files of a command into its pod and out of it, for whoever has the token, over HTTP.

    RYAX_TOKEN=... RYAX_FILES_DIR=/run/ryax RYAX_SHARED_DIRS=/run/ryax:/ryax/work:/tmp RYAX_WORK_DIR=/ryax/work python3 files_server.py

It stands beside the command in a container of its own and sees nothing of it but the folders that both have. Its part of the
protocol is in docs/action-images.md. Standard library only, Python 3.8+.
"""

import hashlib
import itertools
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import ThreadingHTTPServer

from attempt_files import Refused, entries, is_within
from exchange import Problem
from server import STOP_SIGNALS, Handler, Server, unquoted
from settings import Settings, SettingsError

OUTPUTS_NAME = "outputs.json"


class SharedFiles:
    """The folders that the command has, too. Whatever leads out of them, by its name or by a link, is refused."""

    def __init__(self, root, shared, work):
        self.root = os.path.realpath(root)
        self.shared = [os.path.realpath(folder) for folder in shared]
        self.work = work
        self.partials = itertools.count(1)

    def place(self, name):
        """Where a file of this name, which may have folders in it, comes to lie."""
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise Refused(400, "Expected a name such as 1/rows.csv, found %r" % name)
        path = os.path.join(self.root, *parts)
        if not is_within(os.path.realpath(path), self.root):
            raise Refused(403, "%s leads out of %s" % (name, self.root))
        return path

    def partial(self):
        """Where a file grows before it is whole."""
        return os.path.join(self.root, ".partial-%d" % next(self.partials))

    def returned(self, path):
        """Where a file or folder that the command has left lies in truth."""
        if path == "" or "\0" in path:
            raise Refused(400, "Expected a path")
        self.check(os.path.join(self.work, path))
        return os.path.join(self.work, path)

    def check(self, path):
        real = os.path.realpath(path)
        if not any(is_within(real, folder) for folder in self.shared):
            raise Refused(403, "%s leads out of the folders that the command shares: %s" % (path, ", ".join(self.shared)))


class FilesServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    server_bind = Server.server_bind

    def __init__(self, settings, files, takes_files):
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        super().__init__((settings.host, settings.port), FilesHandler)
        self.settings = settings
        self.token_digest = hashlib.sha256(settings.token.encode("utf-8")).digest()
        self.files = files
        self.takes_files = takes_files
        self.asked_at = time.monotonic()


class FilesHandler(Handler):
    def serve(self, url):
        routes = {"/ready": ("GET", self.ready), "/outputs": ("GET", self.outputs), "/end": ("POST", self.end)}
        self.chosen(url, routes)(url)

    def ready(self, _url):
        self.answer(200, {"status": "ready"})

    def check_taking(self):
        """That which runs beside the command has the place of that which ran before it, also for a client that has not heard so yet."""
        if not self.server.takes_files:
            raise Problem(410, "The command has begun: nothing more is taken")

    def put_file(self, url):
        self.check_taking()
        files = self.server.files
        length = self.content_length()
        name = unquoted(url.path[len("/files/"):])
        _, query = self.attempt_of_query(url)
        path = files.place(name[:-1] if name.endswith("/") else name)
        if name.endswith("/"):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.receive(path, length, query.get("executable") == ["true"])
        self.answer(201, {"path": path})

    def outputs(self, _url):
        """Where the command has left its outputs, how long they are, and where its relative paths begin."""
        files = self.server.files
        path = os.path.join(files.root, OUTPUTS_NAME)
        size = os.path.getsize(path) if os.path.isfile(path) else None
        self.answer(200, {"path": path, "bytes": size, "cwd": files.work})

    def get_file(self, url):
        files = self.server.files
        _, query = self.attempt_of_query(url)
        named = query.get("path", [""])[0]
        self.give_out(named, files.returned(named), lambda path: entries(path, files.check))

    def end(self, _url):
        """All inputs are there: the command may begin."""
        self.check_taking()
        self.json_body()
        self.answer(200, {"status": "ending"})
        os.kill(os.getpid(), signal.SIGTERM)


def main():
    env = os.environ
    try:
        settings = Settings(env)
        shared = [folder for folder in env.get("RYAX_SHARED_DIRS", "").split(":") if folder != ""]
        files = SharedFiles(settings.files_directory or "/run/ryax", shared, env.get("RYAX_WORK_DIR") or "/")
        server = FilesServer(settings, files, takes_files=env.get("RYAX_TAKES_FILES") == "true")
    except (SettingsError, OSError) as error:
        sys.exit("The server cannot start: %s" % error)
    # Every thread inherits this: the signals wait for us, whichever thread they are sent to.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"level": "info", "message": "Listening", "host": server.server_name, "port": server.server_port}), flush=True)
    signal.sigwait(STOP_SIGNALS)
    os._exit(0)


if __name__ == "__main__":
    main()
