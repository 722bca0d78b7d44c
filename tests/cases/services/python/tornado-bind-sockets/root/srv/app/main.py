import asyncio

import tornado.httpserver
import tornado.netutil
import tornado.web


async def main():
    sockets = tornado.netutil.bind_sockets(8891, "0.0.0.0", backlog=101)
    server = tornado.httpserver.HTTPServer(tornado.web.Application([]))
    server.add_sockets(sockets)
    server.add_socket(tornado.netutil.bind_unix_socket("/run/tornado.sock"))
    await asyncio.Event().wait()


asyncio.run(main())
