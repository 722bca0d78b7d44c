import socket

kept = []


def listen(port):
    server = socket.socket()
    server.bind(("127.0.0.1", 9200))
    server.listen(9)
    kept.append(server)
