import socket as s

HOST, PORT = "", 8001
BACKLOG = 1_000

server = s.socket()
server.setsockopt(s.SOL_SOCKET, s.SO_REUSEADDR, 1)
server.bind((HOST, PORT))
server.listen(BACKLOG)
server.accept()
