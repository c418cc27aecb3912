"""Whether the operator starts while the API server answers badly.

usage: hack/attack starts [-- --starts 12 --faults 0.3]

Each start goes through a proxy that answers a part of the requests, chosen by
chance, with 429, 500, or by closing the connection. It ends with exit code 1 if a start does not end in a ready process.
"""
import argparse
import http.client
import http.server
import json
import random
import struct
import subprocess
import sys
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request

from cluster import Cluster, free_port


def proxy(cluster, share):
    """Starts it, and returns its address."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = random.choice(["429", "500", "reset"]) if random.random() < share else None
            if fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            if fault:
                self.send_response(int(fault))
                if fault == "429":
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            upstream = http.client.HTTPSConnection(
                cluster.address.hostname, cluster.address.port, context=cluster.tls)
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in ("host", "connection", "content-length")}
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while chunk := answer.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            upstream.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listener.server_port}"


def is_ready(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).status == 200
    except (urllib.error.URLError, OSError):
        return False


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lanyard")
    arguments.add_argument("folder")
    arguments.add_argument("--starts", type=int, default=12)
    arguments.add_argument("--faults", type=float, default=0.3)
    options = arguments.parse_args()
    cluster = Cluster(options.folder)
    cluster.apply("manifests/namespace.yaml", "manifests/crd.yaml")
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/kubeconfig", "w", encoding="utf-8") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": proxy(cluster, options.faults)}}],
                "users": [{"name": "u", "user": {}}]}, file)
        for number in range(options.starts):
            webhook, metrics = free_port(), free_port()
            log = f"{folder}/log-{number}"
            with open(log, "w", encoding="utf-8") as file:
                process = subprocess.Popen(
                    [options.lanyard, "run", "--kubeconfig", f"{folder}/kubeconfig", "--webhook-address",
                     f"127.0.0.1:{webhook}", "--metrics-address", f"127.0.0.1:{metrics}", "--webhook-url",
                     f"https://127.0.0.1:{webhook}"], stdout=file, stderr=file)
            start = time.time()
            while process.poll() is None and time.time() < start + 90 and not is_ready(metrics):
                time.sleep(0.1)
            if process.poll() is None and is_ready(metrics):
                print(f"ready after {time.time() - start:.1f} s")
            else:
                failures += 1
                print("not ready:\n" + "".join(open(log, encoding="utf-8").readlines()[-3:]))
            process.terminate()
            process.wait()
    print(f"{options.starts - failures} of {options.starts} starts")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
