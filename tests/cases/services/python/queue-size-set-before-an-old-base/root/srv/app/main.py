from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer
from threading import Thread


class Old(TCPServer):
    def __init__(self, port):
        self.request_queue_size = 9
        TCPServer.__init__(self, ("127.0.0.1", port), BaseHTTPRequestHandler)


class Named(HTTPServer):
    request_queue_size = 10

    def __init__(self, address):
        super(Named, self).__init__(address, BaseHTTPRequestHandler)


old = Old(8001)
named = Named(("127.0.0.1", 8002))
Thread(target=old.serve_forever).start()
named.serve_forever()
