"""The two ways on which something can go wrong between an API server and Lanyard: a proxy for each, with weather."""
import asyncio
import contextlib
import random
import ssl
import threading


class Weather:
    """What a wire does to what goes through it. It may be changed at any time, from any thread."""

    def __init__(self):
        # Seconds by which each piece of data is late.
        self.delay = 0.0
        # Connections stay open, and nothing gets through; what was swallowed is lost, and so is its connection in the end.
        self.is_silent = False
        # The same, for what watches answer alone.
        self.has_dead_watches = False
        # Of so many requests, by chance, the answer is 429, 500 or 503, or the connection is cut.
        self.errors = 0.0
        self.answered = {"429": 0, "500": 0, "503": 0, "cut": 0}


class Wires:
    """Runs all of them, on one thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, wire, port=0):
        """:return: the port that it listens on."""
        async def listen():
            wire.server = await asyncio.start_server(wire.serve, "127.0.0.1", port, ssl=wire.tls, limit=1 << 22)
            return wire.server.sockets[0].getsockname()[1]
        wire.loop = self.loop
        return asyncio.run_coroutine_threadsafe(listen(), self.loop).result(10)


class Wire:
    tls = None

    def __init__(self):
        self.weather = Weather()
        self.open = set()

    def cut(self):
        """Every connection that is there; new ones can be made."""
        def abort():
            for writer in list(self.open):
                writer.transport.abort()
        self.loop.call_soon_threadsafe(abort)

    @contextlib.asynccontextmanager
    async def kept(self, *writers):
        self.open.update(writers)
        try:
            yield
        except (OSError, EOFError, asyncio.LimitOverrunError, ssl.SSLError, ValueError):
            pass
        finally:
            for writer in writers:
                self.open.discard(writer)
                writer.transport.abort()


class WebhookWire(Wire):
    """From the API server to a replica that is ready, as a Service does: connections are passed on as they are."""

    def __init__(self, replicas):
        super().__init__()
        self.replicas = replicas

    async def serve(self, reader, writer):
        ready = [replica for replica in self.replicas if replica.is_ready]
        try:
            there, back = await asyncio.wait_for(
                asyncio.open_connection("127.0.0.1", random.choice(ready).port), 5)
        except (OSError, IndexError, TimeoutError):
            writer.transport.abort()
            return
        async with self.kept(writer, back):
            done, pending = await asyncio.wait(
                [asyncio.create_task(self.copy(*ends)) for ends in ((reader, back), (there, writer))],
                return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            for task in done:
                task.exception()

    async def copy(self, reader, writer):
        lost = False
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.weather.delay:
                    await asyncio.sleep(self.weather.delay)
                if self.weather.is_silent or lost:
                    lost = True
                    continue
                writer.write(data)
                await writer.drain()


class ServerWire(Wire):
    """From a replica to the API server: requests and answers are passed on one by one, so that there can be bad answers."""

    def __init__(self, cluster, certificate):
        super().__init__()
        self.address = cluster.address
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate)
        self.upstream = ssl.create_default_context(cafile=cluster.authority)

    async def serve(self, reader, writer):
        there = back = None
        async with self.kept(writer):
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await content(reader, head)
                    is_watch = b"watch=" in head.split(b"\r\n", 1)[0]
                    await asyncio.sleep(self.weather.delay)
                    if await self.is_swallowed():
                        return
                    if random.random() < self.weather.errors:
                        kind = random.choice(list(self.weather.answered))
                        self.weather.answered[kind] += 1
                        if kind == "cut":
                            return
                        writer.write(failure(kind))
                        await writer.drain()
                        continue
                    if back is None or there.at_eof():
                        if back:
                            back.transport.abort()
                        there, back = await asyncio.open_connection(
                            self.address.hostname, self.address.port, ssl=self.upstream, limit=1 << 22)
                    back.write(head + body)
                    await back.drain()
                    await self.answer(there, reader, writer, is_watch)
            finally:
                if back:
                    back.transport.abort()

    async def is_swallowed(self):
        """Whether what came was lost: the connection is then as good as cut, once that is over."""
        was_silent = self.weather.is_silent
        while self.weather.is_silent:
            await asyncio.sleep(0.1)
        return was_silent

    async def answer(self, there, client, writer, is_watch):
        head = await there.readuntil(b"\r\n\r\n")
        length = field(head, b"content-length")
        is_chunked = b"chunked" in field(head, b"transfer-encoding")
        writer.write(head)
        await writer.drain()
        if not is_chunked:
            await self.pass_on(await there.readexactly(int(length or 0)), writer, is_watch)
            return
        while True:
            # A chunk with its length and its end. While nothing comes, the client may go away.
            line = asyncio.ensure_future(there.readline())
            while not (await asyncio.wait([line], timeout=1))[0]:
                if client.at_eof():
                    line.cancel()
                    raise EOFError
            size = int(line.result().split(b";")[0], 16)
            await self.pass_on(line.result() + await there.readexactly(size + 2), writer, is_watch)
            if size == 0:
                return

    async def pass_on(self, data, writer, is_watch):
        await asyncio.sleep(self.weather.delay)
        if self.weather.is_silent or (is_watch and self.weather.has_dead_watches):
            while self.weather.is_silent or (is_watch and self.weather.has_dead_watches):
                await asyncio.sleep(0.1)
            raise EOFError
        writer.write(data)
        await writer.drain()


def field(head, name):
    for line in head.split(b"\r\n")[1:]:
        if line.lower().startswith(name + b":"):
            return line.split(b":", 1)[1].strip().lower()
    return b""


async def content(reader, head):
    """A request's body, as it came."""
    if b"chunked" not in field(head, b"transfer-encoding"):
        return await reader.readexactly(int(field(head, b"content-length") or 0))
    body = b""
    while True:
        line = await reader.readline()
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return body


def failure(status):
    wait = "Retry-After: 1\r\n" if status == "429" else ""
    return f"HTTP/1.1 {status} Fault\r\n{wait}Content-Length: 0\r\n\r\n".encode()
