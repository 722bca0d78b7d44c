import os
import socket
import time

s = socket.socket()
s.bind(('127.0.0.1', int(os.environ.get('PORT', 8000))))
s.listen(5)
while True:
    time.sleep(60)
