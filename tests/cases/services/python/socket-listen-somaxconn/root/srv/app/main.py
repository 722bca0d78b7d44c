from socket import *

server = socket(AF_INET, SOCK_STREAM)
server.bind(("localhost", 8004))
server.listen(SOMAXCONN)
server.accept()
