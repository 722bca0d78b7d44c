from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Before(HTTPServer):
    def __init__(self, port):
        self.request_queue_size = 9
        super().__init__(("127.0.0.1", port), BaseHTTPRequestHandler)


class After(HTTPServer):
    def __init__(self, port):
        super().__init__(("127.0.0.1", port), BaseHTTPRequestHandler)
        self.request_queue_size = 9


before = Before(8001)
after = After(8002)
Thread(target=before.serve_forever).start()
after.serve_forever()
