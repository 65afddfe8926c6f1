"""Runs the handler of one Ryax action, call after call, in one process.

    python3 worker.py FOLDER

The executor speaks with it in JSON lines: commands come in on descriptor 3, replies leave on descriptor 4. Descriptors 1
and 2 are the log and belong to the handler; 5 and 6 are second copies of them which are ours, so that the end of a
call's output can be marked whatever the handler has done to its own.

    <- {"call": 1, "marker": "...", "inputs": {...}, "env": {...}}
    <- {"call": 1, "marker": "...", "load": true}                          only import it
    -> {"call": 1, "loaded": true}
    -> {"call": 1, "cwd": "/...", "outputs": {...}}                        the handler has returned
    -> {"call": 1, "refused": {"message": "...", "output": "total"}}       it has returned what nobody can carry
    -> {"call": 1, "raised": {"kind": "user", "message": "...", "code": 400}}    RyaxException
    -> {"call": 1, "raised": {"kind": "crash", "message": "..."}}          any other exception

Before a reply the marker is written to both log pipes. A reply with "last": true is this worker's last. The handler is
imported by the first command, so that what goes wrong there is that call's failure. Standard library only, Python 3.7+.
"""

import fcntl
import json
import logging
import os
import sys
import traceback

try:
    import ctypes

    C_LIBRARY = ctypes.CDLL(None)
except (ImportError, OSError):
    C_LIBRARY = None

HANDLER = "ryax_handler"
MODULES_OF_OURS = (__file__, "<frozen importlib")
# Above what handlers usually get and close, so that ours survive `os.close(3)` and a reused number.
FIRST_PRIVATE_DESCRIPTOR = 200


class Refused(Exception):
    """The handler has returned something that is no output."""

    def __init__(self, message, output=None):
        super().__init__(message)
        self.reply = {"message": message} if output is None else {"message": message, "output": output}


class StandardError(logging.StreamHandler):
    """Writes to whatever `sys.stderr` is at the time: handlers replace it, and close it."""

    def __init__(self):
        logging.Handler.__init__(self)

    @property
    def stream(self):
        return sys.stderr


class Worker:
    def __init__(self, folder):
        self.folder = folder
        self.pid = os.getpid()
        self.commands = open(take_descriptor(3), "rb")
        self.replies = take_descriptor(4)
        self.log_pipes = (take_descriptor(5), take_descriptor(6))
        self.handle = None
        self.loop = None

    def serve(self):
        for line in self.commands:
            command = json.loads(line.decode("utf-8"))
            self.restore_process()
            os.environ.update(command.get("env", {}))
            reply, is_last = self.call(command)
            if os.getpid() != self.pid:
                # The handler has forked and its child came back from the call: only the parent may answer.
                flush_output()
                os._exit(0)
            self.finish_log(command["marker"])
            tail = ', "last": true}\n' if is_last else "}\n"
            write_all(self.replies, ('{"call": %d, %s%s' % (command["call"], reply, tail)).encode("ascii"))
            if is_last:
                break

    def restore_process(self):
        """Undoes what the last call may have done to the working directory and to the log's descriptors."""
        os.chdir(self.folder)
        for descriptor, pipe in zip((1, 2), self.log_pipes):
            os.dup2(pipe, descriptor)
        for name, descriptor, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
            stream = getattr(sys, name)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, open(descriptor, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False))

    def call(self, command):
        """Answers with the members of the reply as JSON text, and whether it is the last."""
        try:
            if self.handle is None:
                self.handle = load_handler(self.folder)
                os.chdir(self.folder)
            if command.get("load"):
                return '"loaded": true', False
            outputs = encode_outputs(single_result(self.settle(self.invoke(command["inputs"])), self.settle))
            return '"cwd": %s, "outputs": %s' % (json.dumps(working_directory()), outputs), False
        except Refused as refusal:
            return '"refused": %s' % json.dumps(refusal.reply), False
        except BaseException as error:
            print_traceback(error)
            return '"raised": %s' % json.dumps(describe(error)), self.handle is None

    def invoke(self, inputs):
        return self.handle(inputs, {}) if wants_two(self.handle) else self.handle(inputs)

    def settle(self, value):
        """Awaits what has to be awaited, always in the same loop: what a handler keeps between calls is bound to it."""
        if not hasattr(value, "__await__"):
            return value
        import asyncio

        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)

        async def wait():
            return await value

        return self.loop.run_until_complete(wait())

    def finish_log(self, marker):
        flush_output()
        for pipe in self.log_pipes:
            write_all(pipe, marker.encode("ascii"))


def take_descriptor(descriptor):
    private = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_PRIVATE_DESCRIPTOR)
    os.close(descriptor)
    return private


def load_handler(folder):
    sys.path[0] = folder  # was the folder of this file
    sys.argv = [os.path.join(folder, HANDLER + ".py")]
    module = __import__(HANDLER)
    handle = getattr(module, "handle", None)
    if not callable(handle):
        raise AttributeError("%s.py has no function named handle" % HANDLER)
    return handle


def wants_two(handle):
    code = getattr(handle, "__code__", None)
    if code is None:
        return False
    bound = 1 if hasattr(handle, "__self__") else 0
    return code.co_argcount - bound - len(handle.__defaults__ or ()) >= 2


def single_result(result, settle):
    """The one dict of outputs in whatever form it comes: a dict, nothing, or a list or generator with one dict in it."""
    if result is None:
        return {}
    if isinstance(result, dict):
        return result
    if isinstance(result, (list, tuple)):
        results = result
    elif hasattr(result, "__next__"):
        results = first_two(result)
    elif hasattr(result, "__anext__"):
        results = first_two_awaited(result, settle)
    else:
        raise Refused("handle must return a dict, found %s" % type_name(result))
    if len(results) != 1:
        raise Refused("handle returned %s: streaming outputs are not supported yet" % ("several results" if results else "[]"))
    if not isinstance(results[0], dict):
        raise Refused("handle must return a dict, found a list of %s" % type_name(results[0]))
    return results[0]


def first_two(generator):
    return [item for _, item in zip(range(2), generator)]


def first_two_awaited(generator, settle):
    results = []
    try:
        while len(results) < 2:
            results.append(settle(generator.__anext__()))
    except StopAsyncIteration:
        pass
    return results


def encode_outputs(outputs):
    return "{%s}" % ", ".join("%s: %s" % (json.dumps(str(name)), encode(name, value)) for name, value in outputs.items())


def encode(name, value):
    # Whatever reads this has 64-bit floats only: an integer that they cannot hold would silently become another one.
    if isinstance(value, int) and abs(value) > 2 ** 53 and (abs(value) > 2 ** 1000 or int(float(value)) != value):
        raise Refused("Output %s: %d is too large to be kept exactly; return it as a string" % (name, value), name)
    try:
        return json.dumps(value, allow_nan=False, default=plain)
    except RecursionError:
        raise Refused("Output %s is nested too deeply" % name, name)
    except ValueError as error:
        reason = "holds itself" if "Circular" in str(error) else "holds NaN or an infinity, which JSON cannot express"
        raise Refused("Output %s %s" % (name, reason), name)
    except TypeError as error:
        raise Refused("Output %s: %s" % (name, error), name)


def plain(value):
    """What JSON does not know, as something that it knows."""
    if hasattr(value, "__fspath__"):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # scalars and arrays of numpy, columns of pandas
        return value.tolist()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError("a value of type %s is no JSON value" % type_name(value))


def describe(error):
    if isinstance(error, SystemExit):
        code = {"code": error.code} if isinstance(error.code, int) else {}
        return dict(code, kind="crash", message="The handler called sys.exit(%r)" % (error.code,))
    if any(ancestor.__name__ == "RyaxException" for ancestor in type(error).__mro__):
        code = getattr(error, "code", None)
        message = getattr(error, "message", None)
        reply = {"kind": "user", "message": safe_text(error) if message is None else safe_text(message)}
        if code is not None:
            reply["code"] = code if isinstance(code, int) and not isinstance(code, bool) else safe_text(code)
        return reply
    text = safe_text(error)
    reply = {"kind": "crash", "message": type_name(error) + (": " + text if text else "")}
    if isinstance(error, ModuleNotFoundError) and error.name:
        reply["missing_module"] = error.name
    return reply


def print_traceback(error):
    """To the log, from the handler's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(MODULES_OF_OURS):
        trace = trace.tb_next
    try:
        traceback.print_exception(type(error), error, trace, file=sys.stderr)
    except Exception:
        os.write(2, (type_name(error) + "\n").encode("utf-8", "replace"))


def type_name(value):
    kind = type(value)
    return kind.__qualname__ if kind.__module__ in ("builtins", HANDLER) else kind.__module__ + "." + kind.__qualname__


def safe_text(value):
    try:
        return str(value)
    except Exception:
        return "(a %s that cannot be shown)" % type_name(value)


def working_directory():
    try:
        return os.getcwd()
    except OSError:
        return "/"


def flush_output():
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass  # closed, or replaced by something that cannot be flushed: there is nothing to keep
    if C_LIBRARY is not None:
        C_LIBRARY.fflush(None)  # what extensions have printed


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view):]
        except BlockingIOError:
            # A child of the handler has made the shared pipe non-blocking.
            import select

            select.select([], [descriptor], [])


def main():
    folder = os.path.abspath(sys.argv[1])
    worker = Worker(folder)
    # Lines, not the pieces that print makes of them; a line that is not ended yet comes with the end of the call.
    sys.stdout.reconfigure(line_buffering=True, write_through=False)
    logging.basicConfig(level=logging.INFO, handlers=[StandardError()], format="%(levelname)s %(name)s: %(message)s")
    try:
        worker.serve()
    finally:
        flush_output()
        # Threads that the handler has left behind must not keep a worker alive that nobody calls any more.
        os._exit(0)


if __name__ == "__main__":
    main()
