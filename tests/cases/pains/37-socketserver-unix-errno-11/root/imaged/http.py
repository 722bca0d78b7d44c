import os
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline())


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def main():
    with UnixServer("/run/imaged/sock", Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
