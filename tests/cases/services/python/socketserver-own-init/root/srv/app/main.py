from socketserver import BaseRequestHandler, ThreadingTCPServer, UnixStreamServer


class Server(ThreadingTCPServer):
    def __init__(self, port):
        super().__init__(("127.0.0.1", port), BaseRequestHandler)


class Local(UnixStreamServer):
    request_queue_size = 17


local = Local("/run/local.sock", BaseRequestHandler)
server = Server(9997)
server.serve_forever()
