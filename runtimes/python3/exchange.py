"""Requests and answers as they are on the line: bodies with a length, answers in JSON, chunks that leave at once."""

import json
from http.server import BaseHTTPRequestHandler

# A client that takes nothing for so long is gone.
SOCKET_SECONDS = 60
# A refused body is read up to here, so that its sender gets to see the answer.
MOST_DISCARDED_BYTES = 4 * 1024 * 1024


class Problem(Exception):
    """What a request is answered that cannot be served."""

    def __init__(self, status, message, **members):
        super().__init__(message)
        self.status = status
        self.body = dict(members, error=message)


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SOCKET_SECONDS
    disable_nagle_algorithm = True
    unread = None  # bytes of the body; not known before somebody has asked
    has_begun = False  # the answer

    def json_body(self):
        length = self.content_length()
        most = self.server.settings.most_body_bytes
        if length > most:
            raise Problem(413, "Expected a body of at most %d bytes, found %d" % (most, length))
        data = self.rfile.read(length)
        self.unread = 0
        if len(data) < length:
            raise ConnectionError("The client has gone")
        try:
            body = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "Expected JSON, found something else: %s" % error)
        if not isinstance(body, dict):
            raise Problem(400, "Expected a JSON object")
        return body

    def content_length(self):
        text = self.headers.get("content-length")
        if text is None or "transfer-encoding" in self.headers:
            self.close_connection = True  # where its body ends is not known
            raise Problem(411, "Expected a content-length")
        if not (text.isascii() and text.isdigit()) or len(text) > 15:
            self.close_connection = True
            raise Problem(400, "Expected a number of bytes as content-length")
        return int(text)

    def discard(self):
        """Reads what is left of the body, so that the next request begins where it should and the answer is seen."""
        if self.unread is None:
            text = self.headers.get("content-length", "0")
            self.unread = int(text) if text.isascii() and text.isdigit() else 0
            if "transfer-encoding" in self.headers:
                self.close_connection = True
        if self.unread > MOST_DISCARDED_BYTES:
            self.close_connection = True
        left = min(self.unread, MOST_DISCARDED_BYTES)
        while left > 0:
            data = self.rfile.read(min(left, 65536))
            if data == b"":
                break
            left -= len(data)
        self.unread = 0

    def send_response(self, code, message=None):
        self.has_begun = True
        super().send_response(code, message)

    def answer(self, status, body):
        self.discard()
        data = to_line(body)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def begin_chunks(self):
        self.has_chunks = self.request_version != "HTTP/1.0"
        if self.has_chunks:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.close_connection = True
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.has_chunks else data)

    def send_error(self, code, message=None, explain=None):
        """What the library refuses by itself: a request that is none."""
        self.close_connection = True
        self.unread = 0
        self.answer(int(code), {"error": str(message or "Bad request")})

    def version_string(self):
        return "ryax-action"

    def log_message(self, *_):
        pass  # what is worth a line is in the executor's log


def to_line(message):
    return json.dumps(message).encode("ascii") + b"\n"


def refuse_constant(name):
    raise ValueError("%s is no JSON" % name)
