import os
import socket

SOCKET = "/run/weldr/api.socket"

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
if os.path.exists(SOCKET):
    os.unlink(SOCKET)
listener.bind(SOCKET)
os.chmod(SOCKET, 0o660)
listener.listen(1)
while True:
    connection, _ = listener.accept()
    connection.close()
