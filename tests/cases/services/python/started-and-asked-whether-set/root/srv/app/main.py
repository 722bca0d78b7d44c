import os
import socket
import time

port = 8000
if 'PORT' in os.environ:
    port = int(os.environ['PORT'])
s = socket.socket()
s.bind(('127.0.0.1', port))
s.listen(5)
while True:
    time.sleep(60)
