import socketserver


class Handler(socketserver.BaseRequestHandler):
    pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 200


server = Server(("", 9998), Handler)
server.serve_forever()
