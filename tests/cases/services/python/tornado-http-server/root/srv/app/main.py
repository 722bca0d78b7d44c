import asyncio

from tornado import httpserver, web
from tornado.ioloop import IOLoop

server = httpserver.HTTPServer(web.Application([]))
server.bind(8890, address="localhost", backlog=100)
server.start(1)
IOLoop.current().start()
