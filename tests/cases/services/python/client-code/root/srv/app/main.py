import queue
import socket
import socketserver


class Bus(queue.Queue):
    def listen(self, count):
        return count


Bus().listen(5)
client = socket.socket()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 9100))
if False:
    client.listen(1)
server = socket.create_server(("127.0.0.1", 9101), backlog=21)
client.connect(("127.0.0.1", 9101))
server.accept()
server.accept()
