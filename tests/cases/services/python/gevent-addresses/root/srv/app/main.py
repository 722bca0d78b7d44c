from gevent.server import StreamServer


def handle(sock, address):
    sock.close()


one = StreamServer(("", 8501), handle, backlog=51)
two = StreamServer("127.0.0.1:8502", handle, backlog=52)
three = StreamServer(":8503", handle, backlog=53)
four = StreamServer(8504, handle)
five = StreamServer(("localhost", 8505), handle)
for server in (one, two, three, four):
    server.start()
five.serve_forever()
