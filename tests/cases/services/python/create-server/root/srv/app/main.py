import socket

plain = socket.create_server(("", 8010))
six = socket.create_server(("", 8011), family=socket.AF_INET6, backlog=11)
both = socket.create_server(("", 8012), family=socket.AF_INET6, dualstack_ipv6=True, backlog=12)
none = socket.create_server(("localhost", 8013), backlog=None)
path = socket.create_server("/run/created.sock", family=socket.AF_UNIX, backlog=14)
none.accept()
