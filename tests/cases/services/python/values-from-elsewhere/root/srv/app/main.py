import argparse
import socket

from settings import Config, QUEUE
from servers import listen

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=9200)
args = parser.parse_args()

listen(args.port)
server = socket.socket()
server.bind((Config.HOST, args.port + 1))
server.listen(QUEUE * 2)
server.accept()
