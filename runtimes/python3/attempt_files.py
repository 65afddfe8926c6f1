"""Files of one attempt: what a client puts there before it, and what the attempt's outputs name after it.

    <root>/<number>/...     what was put, a new folder for each attempt: handlers remember what they have read by its path
"""

import itertools
import os
import shutil
import stat
import tempfile


class Refused(Exception):
    """A path that is none of the attempt's."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class AttemptFiles:
    def __init__(self, root):
        self.root = root or tempfile.mkdtemp(prefix="ryax-files-")
        self.attempt = None
        self.folder = None
        self.folders = 0
        self.partials = itertools.count(1)

    def begin(self, attempt, names=()):
        """From now on the files are the attempt's, and these have to be there. What another one had put is gone."""
        if self.attempt != attempt:
            self.remove()
        self.attempt = attempt
        missing = next((name for name in names if not os.path.exists(self.place(name))), None)
        if missing is not None:
            raise Refused(400, "Expected the file %s, which was not put" % missing)

    def end(self, attempt):
        """What was put for the attempt is not needed any more. Another one's, which may be on its way already, stays."""
        if self.attempt == attempt:
            self.remove()

    def remove(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None

    def make_folder(self):
        self.folders += 1
        folder = os.path.join(self.root, str(self.folders))
        shutil.rmtree(folder, ignore_errors=True)  # of a server before this one
        os.makedirs(folder)
        self.folder = os.path.realpath(folder)

    def place(self, name):
        """Where a file of this name, which may have folders in it, comes to lie."""
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise Refused(400, "Expected a name such as 1/rows.csv, found %r" % name)
        if self.folder is None:
            self.make_folder()  # not before it is needed: it may be that nothing can be written there
        path = os.path.join(self.folder, *parts)
        # The handler of an attempt before may have left a link there.
        if not is_within(os.path.realpath(path), self.folder):
            raise Refused(403, "%s leads out of the attempt's folder" % name)
        return path

    def partial(self):
        """Where a file grows before it is whole: beside the folder, where no name can be in its way."""
        return os.path.join(self.root, "partial-%d" % next(self.partials))

    def returned(self, path, execution):
        """The path of a file or folder that the attempt's outputs name, or that lies in such a folder."""
        outputs = (execution.result or {}).get("outputs", {})
        working_directory = (execution.result or {}).get("cwd", "/")
        whole = os.path.normpath(os.path.join(working_directory, path))
        named = {os.path.normpath(os.path.join(working_directory, name)) for name in strings(outputs)}
        if "\0" in path or not any(is_within(whole, each) for each in named):
            raise Refused(403, "%s is not named by the attempt's outputs" % path)
        return whole

    def is_kept(self, path):
        """Whether something of ours lies there."""
        return is_within(os.path.realpath(self.root), os.path.realpath(path))


def strings(value):
    """Every text in a JSON value."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)


def entries(folder, check=lambda _path: None):
    """Everything below a folder, links followed, sorted by path: kind, size and whether it can be executed. `check` may refuse a
    path, before anything is read there."""
    found = []
    pending = [("", ())]
    while pending:
        below, above = pending.pop()
        here = os.path.realpath(os.path.join(folder, below))
        if here in above:
            raise Refused(422, "%s holds itself" % (below or "."))
        for name in os.listdir(here):
            path = below + "/" + name if below else name
            check(os.path.join(folder, path))
            status = os.stat(os.path.join(folder, path))
            if stat.S_ISDIR(status.st_mode):
                found.append({"path": path, "kind": "directory"})
                pending.append((path, above + (here,)))
            elif stat.S_ISREG(status.st_mode):
                executable = bool(status.st_mode & 0o111)
                found.append({"path": path, "kind": "file", "size": status.st_size, "executable": executable})
            else:
                raise Refused(422, "%s is neither a file nor a directory" % path)
    return sorted(found, key=lambda entry: entry["path"])


def is_within(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")
