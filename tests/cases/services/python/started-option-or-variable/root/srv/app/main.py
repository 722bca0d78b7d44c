import argparse
import os
import socket
import time

parser = argparse.ArgumentParser()
parser.add_argument('--port', type=int, default=os.environ.get('PORT', 8000))
args = parser.parse_args()
s = socket.socket()
s.bind(('127.0.0.1', args.port))
s.listen(5)
while True:
    time.sleep(60)
