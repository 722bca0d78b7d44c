import socket

one = socket.socket()
one.bind(("127.0.0.1", 8002))
one.listen(-1)
two = socket.socket()
two.bind(("127.0.0.1", 8003))
two.listen(0)
two.accept()
