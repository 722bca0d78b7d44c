import socket

server = socket.create_server(("", 8005), backlog=50000)
server.accept()
