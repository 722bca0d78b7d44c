import os
import socket
import time

port = os.getenv('PORT') or '8000'
s = socket.socket()
s.bind((os.getenv('HOST', '127.0.0.1'), int(port)))
s.listen(9)
while True:
    time.sleep(60)
