"""git over https for tests: `git http-backend` behind TLS, with corners that misbehave.

forge.py ROOT CERTIFICATE KEY TOKEN. Prints its port. Repositories lie in ROOT; those called private-* want TOKEN, those
called held-* do not answer a fetch while ROOT/hold is there, `redirect.git` leads elsewhere, `slow.git` never ends. Each
fetch is a line of ROOT/fetches.
"""
import base64
import http.server
import os
import ssl
import subprocess
import sys
import time

ROOT, CERTIFICATE, KEY, TOKEN = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b'')

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get('content-length', 0))))

    def answer(self, body):
        path, _, query = self.path.partition('?')
        name = path.split('/')[1]
        if name == 'redirect.git':
            self.send_response(302)
            self.send_header('location', self.path.replace('redirect', 'plain'))
            self.send_header('content-length', '0')
            self.end_headers()
            return
        if name == 'slow.git':
            self.send_response(200)
            self.send_header('content-type', 'application/x-git-upload-pack-advertisement')
            self.end_headers()
            while True:
                self.wfile.write(b'0')
                time.sleep(0.2)
        if name.startswith('private-') and not self.may_pass():
            self.send_response(401)
            self.send_header('www-authenticate', 'Basic realm="forge"')
            self.send_header('content-length', '0')
            self.end_headers()
            return
        if self.command == 'POST' and path.endswith('/git-upload-pack') and b'command=fetch' in body:
            with open(os.path.join(ROOT, 'fetches'), 'a') as fetches:
                fetches.write(name + '\n')
            while name.startswith('held-') and os.path.exists(os.path.join(ROOT, 'hold')):
                time.sleep(0.02)
        self.run_git(path, query, body)

    def may_pass(self):
        scheme, _, given = self.headers.get('authorization', '').partition(' ')
        user, _, token = base64.b64decode(given or b'').decode().partition(':')
        return scheme == 'Basic' and token == TOKEN and user

    def run_git(self, path, query, body):
        environment = dict(
            os.environ,
            GIT_PROJECT_ROOT=ROOT,
            GIT_HTTP_EXPORT_ALL='1',
            GIT_PROTOCOL=self.headers.get('git-protocol', ''),
            REQUEST_METHOD=self.command,
            PATH_INFO=path,
            QUERY_STRING=query,
            CONTENT_TYPE=self.headers.get('content-type', ''),
            CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get('content-encoding', ''),
        )
        done = subprocess.run(['git', 'http-backend'], input=body, env=environment, stdout=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b'\r\n\r\n')
        headers = [line.split(': ', 1) for line in head.decode().split('\r\n') if line]
        status = next((value for name, value in headers if name == 'Status'), '200')
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != 'Status':
                self.send_header(name, value)
        self.send_header('content-length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
