import os
import socket
import time

s = socket.socket()
s.bind(('127.0.0.1', 8000))
s.listen(int(os.environ['BACKLOG']))
while True:
    time.sleep(60)
