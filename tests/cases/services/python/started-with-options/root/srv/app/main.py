import argparse
import socket
import time

parser = argparse.ArgumentParser()
parser.add_argument('-p', '--port', type=int, default=8000)
parser.add_argument('--backlog', type=int, default=5)
parser.add_argument('--quiet', action='store_true')
args = parser.parse_args()
s = socket.socket()
s.bind(('127.0.0.1', args.port))
s.listen(args.backlog)
while True:
    time.sleep(60)
