import socket
import threading


def play(client):
    with client:
        client.sendall(b"welcome\n")


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", 25565))
server.listen(5)
while True:
    client, _ = server.accept()
    threading.Thread(target=play, args=(client,), daemon=True).start()
