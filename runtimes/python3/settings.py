"""What the environment says to an action image's server; docs/action-images.md lists it."""

import os

MEBIBYTE = 1024 * 1024


class SettingsError(Exception):
    pass


class Settings:
    def __init__(self, env):
        self.host = env.get("RYAX_HOST") or "0.0.0.0"
        self.port = number(env, "RYAX_PORT", 8080, most=65535)
        self.token = env.get("RYAX_TOKEN", "")
        self.action_directory = os.path.abspath(env.get("RYAX_ACTION_DIR") or "/ryax/action")
        self.files_directory = env.get("RYAX_FILES_DIR") or None
        self.temporary_directory = env.get("RYAX_TMP_DIR") or None
        self.most_body_bytes = number(env, "RYAX_MAX_BODY_BYTES", 64 * MEBIBYTE)
        self.most_log_bytes = number(env, "RYAX_MAX_LOG_BYTES", 16 * MEBIBYTE)
        self.beat_seconds = number(env, "RYAX_BEAT_SECONDS", 10, kind=float)
        self.grace_seconds = number(env, "RYAX_GRACE_SECONDS", 5, kind=float)
        self.idle_seconds = number(env, "RYAX_IDLE_SECONDS", 0, kind=float)  # 0: it waits for ever
        self.environment = action_environment(env)
        if self.token == "":
            raise SettingsError("Expected a token in RYAX_TOKEN, found none: without one anybody could run the action")


def number(env, name, default, kind=int, most=float("inf")):
    text = env.get(name) or str(default)
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise SettingsError("Expected a number in %s, found %r" % (name, text))
    return value


def action_environment(env):
    """The image's and the pod's, without what is ours: the token above all."""
    passed = {name: value for name, value in env.items() if not name.startswith("RYAX_")}
    user = passed.get("USER") or "ryax"  # `getpass.getuser()` must work, also for a user without an entry in the password file
    defaults = {"LANG": "C.UTF-8", "HOME": "/tmp", "USER": user, "LOGNAME": user}
    return {**defaults, **passed, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
