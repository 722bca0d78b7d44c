import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline())


if __name__ == "__main__":
    with socketserver.TCPServer(("localhost", 9999), Handler) as server:
        server.serve_forever()
