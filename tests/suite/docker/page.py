"""A program with a page, for tests of instances: HTTP and a WebSocket that says back what it hears."""
import base64
import hashlib
import http.server
import json
import os


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("upgrade", "").lower() == "websocket":
            return self.socket()
        if self.path == "/end":
            print("it ends by itself", flush=True)
            os._exit(7)
        if self.path == "/write":
            with open("/workspace/kept", "a") as kept:
                kept.write("x")
        kept = os.path.exists("/workspace/kept") and os.path.getsize("/workspace/kept")
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "kept": kept}
        is_page = "text/html" in self.headers.get("accept", "")
        body = b"<!doctype html><title>A page</title>" if is_page else json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html" if is_page else "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("set-cookie", "basket=1; Domain=localhost; Path=/")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def socket(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            length = head[1] & 127
            mask, data = self.rfile.read(4), self.rfile.read(length)
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            self.wfile.write(bytes([head[0], length]) + data)


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Page).serve_forever()
