import socket

server = socket.socket()
server.bind(("127.0.0.1", 8009))
server.listen(10)
server.listen(20)
server.accept()
