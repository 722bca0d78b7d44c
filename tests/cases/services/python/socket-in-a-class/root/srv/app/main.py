import socket
import threading


class Server:
    backlog = 20

    def __init__(self, host="127.0.0.1", port=9000):
        self.host = host
        self.port = port
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def run(self):
        self.sock.bind((self.host, self.port))
        self.sock.listen(self.backlog)
        while True:
            peer, _ = self.sock.accept()
            threading.Thread(target=peer.close).start()


if __name__ == "__main__":
    Server(port=9001).run()
