"""Processes that end with the tests, however those end."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time


class Failure(Exception):
    """Something is not as it should be; the text is for a person."""


def run(arguments, *, env=None, cwd=None, text="", within=60):
    """Runs a program to its end, and returns the completed process. Its descendants do not outlive the limit."""
    process = subprocess.Popen(
        arguments, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True)
    try:
        output, errors = process.communicate(text, timeout=within)
    except subprocess.TimeoutExpired:
        raise Failure(f"{arguments[0]} was not done within {within} s") from None
    finally:
        end_group(process)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


@contextlib.contextmanager
def conversation(arguments, *, env, cwd):
    """A program that answers each line with one: a function from a line to the answer, within a minute."""
    process = subprocess.Popen(
        arguments, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True)

    def ask(line):
        print(line, file=process.stdin, flush=True)
        if not select.select([process.stdout], [], [], 60)[0] or not (answer := process.stdout.readline()):
            raise Failure(f"no answer to {line!r}")
        return answer.rstrip("\n")

    try:
        yield ask
    finally:
        end_group(process)
        process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def running(arguments, log, *, env):
    """A program that runs for as long as the body does, with its output in a file. It is not asked to end: it has
    nothing to lose, and `lanyard run` would go on serving for some seconds."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            arguments, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True)
    try:
        yield process
    finally:
        end_group(process)


def end_group(process):
    """Ends what a process started in its own session, and the process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(text, lines=12):
    """The end of a text: of a traceback, what matters."""
    return "\n".join(text.strip().splitlines()[-lines:])


def eventually(attempt, what, within=30):
    """The first result of an attempt that does not fail."""
    deadline = time.monotonic() + within
    while True:
        try:
            return attempt()
        except (Failure, OSError) as error:
            if time.monotonic() > deadline:
                raise Failure(f"not within {within} s: {what}: {error}") from error
        time.sleep(0.1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
