import asyncio

import tornado.web


async def main():
    app = tornado.web.Application([])
    app.listen(8888)
    app.listen(8889, "127.0.0.1", backlog=99)
    await asyncio.Event().wait()


asyncio.run(main())
